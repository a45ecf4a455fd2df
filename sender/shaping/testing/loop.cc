#include "sender/shaping/testing/loop.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sender/shaping/shaper.h"

namespace wavepost::testing {

BucketReceiver::BucketReceiver(absl::Time start, std::vector<RateChange> rates, double burst)
    : start_(start), rates_(std::move(rates)), burst_(burst), tokens_(burst), filled_at_(start) {}

double BucketReceiver::Tolerated(absl::Time from, absl::Time until) const {
  double sum = 0;
  for (size_t i = 0; i < rates_.size(); ++i) {
    const absl::Time begin = std::max(from, start_ + rates_[i].after);
    const absl::Time end = i + 1 < rates_.size() ? std::min(until, start_ + rates_[i + 1].after) : until;
    if (end > begin) sum += absl::ToDoubleSeconds(end - begin) * rates_[i].per_second;
  }
  return sum;
}

std::optional<Complaint> BucketReceiver::OnMessage(absl::Time now) {
  tokens_ = std::min(burst_, tokens_ + Tolerated(filled_at_, now));
  filled_at_ = now;
  if (tokens_ < 1) return Complaint{};
  tokens_ -= 1;
  return std::nullopt;
}

std::optional<Complaint> BlockingReceiver::OnConnect(absl::Time now, int /*open*/) {
  if (now < blocked_until_) return Complaint{.kind = kind_};
  return std::nullopt;
}

std::optional<Complaint> BlockingReceiver::OnMessage(absl::Time now) {
  if (now < blocked_until_) return Complaint{.kind = kind_};
  const auto complaint = BucketReceiver::OnMessage(now);
  if (!complaint.has_value()) return std::nullopt;
  blocked_until_ = now + block_;
  ++blocks_;
  return Complaint{.kind = kind_};
}

std::optional<Complaint> MinuteReceiver::OnMessage(absl::Time now) {
  const int64_t minute = absl::ToUnixSeconds(now) / 60;
  if (minute != minute_) {
    minute_ = minute;
    count_ = 0;
  }
  if (++count_ > per_minute_) return Complaint{};
  return std::nullopt;
}

double MinuteReceiver::Tolerated(absl::Time from, absl::Time until) const {
  return absl::ToDoubleMinutes(until - from) * per_minute_;
}

std::optional<Complaint> ConnectionsReceiver::OnConnect(absl::Time /*now*/, int open) {
  if (open >= connections_) return Complaint{.kind = kind_};
  return std::nullopt;
}

double ConnectionsReceiver::Tolerated(absl::Time from, absl::Time until) const {
  return absl::FDivDuration(until - from, per_message_) * connections_;
}

Loop::Loop(const LoopOptions& options, Receiver* receiver, absl::Time start)
    : options_(options),
      receiver_(receiver),
      shaper_(options.limits, options.scale),
      random_(options.seed),
      now_(start),
      since_(start),
      connections_(static_cast<size_t>(options.limits.connections)) {}

absl::Duration Loop::HalfTrip() {
  return options_.latency / 2 * (1 + options_.latency_spread * (2 * Uniform() - 1));
}

void Loop::Push(absl::Time at, What what, int connection, std::optional<Complaint> complaint) {
  const int generation = connection < 0 ? 0 : connections_[static_cast<size_t>(connection)].generation;
  events_.push({at, number_++, what, connection, generation, complaint});
}

void Loop::Close(Connection* connection) {
  if (connection->open) --open_;
  if (connection->there) --there_;
  const int generation = connection->generation + 1;
  *connection = Connection{};
  connection->generation = generation;
}

void Loop::Restart() {
  for (Connection& connection : connections_) Close(&connection);
  shaper_ = Shaper::Restore(options_.limits, options_.scale, shaper_.State(now_), now_);
  wake_at_ = absl::InfiniteFuture();
}

void Loop::Handle(const Event& event) {
  if (event.what == What::kWake) {
    if (event.at >= wake_at_) wake_at_ = absl::InfiniteFuture();
    return;
  }
  Connection& connection = connections_[static_cast<size_t>(event.connection)];
  if (connection.generation != event.generation) return;
  switch (event.what) {
    case What::kConnect: {
      const auto complaint = receiver_->OnConnect(now_, there_);
      if (!complaint.has_value()) {
        connection.there = true;
        ++there_;
      }
      Push(now_ + HalfTrip(), What::kConnectReply, event.connection, complaint);
      break;
    }
    case What::kConnectReply:
      connection.busy = false;
      if (event.complaint.has_value()) {
        ++figures_.refused_connections;
        shaper_.OnThrottled(now_, event.complaint->kind, event.complaint->hint, open_, Uniform());
        Close(&connection);
      }
      break;
    case What::kMessage:
      Push(now_ + HalfTrip(), What::kReply, event.connection, receiver_->OnMessage(now_));
      break;
    case What::kReply:
      connection.busy = false;
      if (event.complaint.has_value()) {
        ++figures_.refused;
        shaper_.OnThrottled(now_, event.complaint->kind, event.complaint->hint, open_, Uniform());
      } else {
        ++figures_.accepted;
        shaper_.OnSuccess(now_, open_);
      }
      if (++connection.messages >= shaper_.messages_per_connection()) Close(&connection);
      break;
    case What::kWake:
      break;
  }
}

void Loop::Pump() {
  absl::Time wake = absl::InfiniteFuture();
  while (true) {
    const int allowed = shaper_.ConnectionsAllowed(now_);
    size_t idle = connections_.size();
    size_t closed = connections_.size();
    for (size_t i = 0; i < connections_.size(); ++i) {
      if (!connections_[i].open) closed = std::min(closed, i);
      if (!connections_[i].open || connections_[i].busy) continue;
      if (open_ > allowed) {
        Close(&connections_[i]);
        continue;
      }
      idle = std::min(idle, i);
    }
    const absl::Time message = shaper_.NextMessage(now_);
    if (message > now_) {
      wake = message;
      break;
    }
    if (idle < connections_.size()) {
      connections_[idle].busy = true;
      shaper_.OnSending(now_);
      ++figures_.attempts;
      Push(now_ + HalfTrip(), What::kMessage, static_cast<int>(idle));
      continue;
    }
    // Paused, or enough are open: their replies, or the end of the pause, go on.
    if (closed == connections_.size() || open_ >= allowed) break;
    const absl::Time connect = shaper_.NextConnection(now_);
    if (connect > now_) {
      wake = connect;
      break;
    }
    connections_[closed].open = true;
    connections_[closed].busy = true;
    ++open_;
    ++figures_.connections;
    shaper_.OnConnecting(now_);
    Push(now_ + HalfTrip(), What::kConnect, static_cast<int>(closed));
  }
  if (wake == absl::InfiniteFuture()) wake = now_ + absl::Seconds(1);
  wake += absl::Milliseconds(2) * Uniform();  // timers are late
  if (wake < wake_at_) {
    wake_at_ = wake;
    Push(wake, What::kWake, -1);
  }
}

LoopFigures Loop::RunUntil(absl::Time until) {
  figures_ = {};
  since_ = now_;
  Pump();
  while (!events_.empty() && events_.top().at < until) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    Handle(event);
    Pump();
  }
  now_ = until;
  figures_.utilisation = static_cast<double>(figures_.accepted) / receiver_->Tolerated(since_, until);
  const int64_t refused = figures_.refused + figures_.refused_connections;
  const int64_t all = figures_.accepted + refused;
  figures_.wasted = all == 0 ? 0 : static_cast<double>(refused) / static_cast<double>(all);
  return figures_;
}

}  // namespace wavepost::testing
