#include "bench/sim/receiver.h"

#include <algorithm>
#include <cmath>

#include "common/base/check.h"
#include "common/smtp/reply.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost::sim {
namespace {

double Seconds(Micros t) {
  return static_cast<double>(t) / kSecond;
}

// Takes one token, if there is one.
bool Take(double* tokens, Micros* at, double rate, double burst, Micros now) {
  if (std::isinf(rate)) return true;
  *tokens = std::min(burst, *tokens + rate * Seconds(now - *at));
  *at = now;
  if (*tokens < 1) return false;
  *tokens -= 1;
  return true;
}

}  // namespace

JudgedReply Judge(const ProviderBook& book, const std::string& provider, const std::string& text, Phase phase,
                  bool closes) {
  AttemptResult result;
  result.phase = phase;
  result.reply = ReplyFromText(text);
  WP_CHECK(result.reply.has_value());
  TroublePolicy policy;
  policy.book = &book;
  policy.provider = provider;
  const Decision decision = Decide(result, cluster::v1::QueueEntry(), absl::UnixEpoch(), policy, 0);
  return {.text = text,
          .phase = phase,
          .closes = closes,
          .lesson = decision.lesson,
          .throttle = decision.throttle,
          .hint = decision.hint,
          .reason = decision.status.reason(),
          .after_rcpt = decision.after_rcpt,
          .bounces = decision.kind == Decision::Kind::kFinish};
}

double ReceiverSpec::ConnectionsAt(double seconds) const {
  return seconds >= change_at ? std::max(1.0, std::floor(connections * change_factor)) : connections;
}

const JudgedReply* Receiver::Connect(Micros now) {
  if (!Take(&connection_tokens_, &connection_tokens_at_, spec_->connections_per_minute / 60, 5, now)) {
    return &spec_->over_connection_rate;
  }
  if (open_ >= spec_->ConnectionsAt(Seconds(now))) return &spec_->over_connections;
  ++open_;
  return nullptr;
}

const JudgedReply* Receiver::Message(Micros now, int served, std::optional<Micros>* first_seen, Random& random) {
  if (served >= spec_->messages_per_connection) return &spec_->over_messages;
  if (!Take(&tokens_, &tokens_at_, spec_->RateAt(Seconds(now)), spec_->burst, now)) return &spec_->over_rate;
  const Micros window = static_cast<Micros>(spec_->window_s * kSecond);
  if (spec_->greylisting == Greylisting::kTriplet) {
    if (!first_seen->has_value()) *first_seen = now;
    if (now - **first_seen < window) return &spec_->greylisted;
  } else if (spec_->greylisting == Greylisting::kClient && !client_known_) {
    if (!first_seen->has_value()) *first_seen = now;
    client_seen_ = std::min(client_seen_, now);
    if (now - client_seen_ < window) return &spec_->greylisted;
    client_known_ = true;
  }
  if (random.Uniform() < spec_->unknown_users) return &spec_->unknown_user;
  return nullptr;
}

Micros Latency(double mean, Random& random) {
  const double spread = 0.7 + 0.6 * random.Uniform();
  const double tail = random.Uniform() < 0.01 ? 5 : spread;
  return static_cast<Micros>(mean * tail * kSecond);
}

}  // namespace wavepost::sim
