// How a site treats one client address, in virtual time: what it allows, how fast it answers, what it says when it has
// had enough. Pure and deterministic given the generator.
//
// Times are microseconds since the start of the simulation; durations in specs are seconds.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "bench/sim/random.h"
#include "sender/policy/trouble.h"
#include "sender/sites/provider_book.h"
#include "sender/sites/throttle.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost::sim {

using Micros = int64_t;
inline constexpr Micros kNever = std::numeric_limits<Micros>::max();
inline constexpr Micros kSecond = 1'000'000;

// A reply as the real sender reads it: judged once, by the real policy, classifier and provider rules.
struct JudgedReply {
  std::string text;  // "421 4.7.0 ..."
  Phase phase = Phase::kMail;
  bool closes = false;  // the receiver hangs up after it
  Lesson lesson = Lesson::kNone;
  Throttle throttle = Throttle::kRate;
  std::optional<absl::Duration> hint;
  v1::Reason reason = v1::REASON_UNSPECIFIED;
  bool after_rcpt = false;
  bool bounces = false;
};
JudgedReply Judge(const ProviderBook& book, const std::string& provider, const std::string& text, Phase phase,
                  bool closes);

enum class Greylisting {
  kNone,
  kTriplet,  // each recipient once
  kClient,   // once one message has come back after the window, the client is known
};

// One kind of receiver. Limits are per client address.
struct ReceiverSpec {
  std::string name;
  int connections = 1000;
  double connections_per_minute = std::numeric_limits<double>::infinity();
  int messages_per_connection = 1000;
  double rate = std::numeric_limits<double>::infinity();       // messages a second: a token bucket
  double burst = 20;                                           // its depth
  double change_at = std::numeric_limits<double>::infinity();  // from then on rate and connections are multiplied
  double change_factor = 1;
  double connect_s = 0.6;  // from SYN to the end of STARTTLS and EHLO
  double message_s = 0.4;  // mean, from MAIL to the reply to the dot
  double unknown_users = 0.02;
  Greylisting greylisting = Greylisting::kNone;
  double window_s = 300;
  JudgedReply over_rate, over_connections, over_connection_rate, over_messages, greylisted, unknown_user;

  double RateAt(double seconds) const { return seconds >= change_at ? rate * change_factor : rate; }
  double ConnectionsAt(double seconds) const;
};

// The mean of what Receiver draws for a mean of 1: the tail included.
inline constexpr double kLatencyMean = 0.99 * 1.0 + 0.01 * 5.0;

class Receiver {
 public:
  explicit Receiver(const ReceiverSpec* spec) : spec_(spec), tokens_(spec->burst) {}

  // A connection is asked for. Null: it is taken and counts as open until Close. Else the greeting that refuses it.
  const JudgedReply* Connect(Micros now);
  void Close() { --open_; }
  // A transaction starts. served: transactions before it on this connection. first_seen: when this recipient was
  // greylisted first (set here when it is). Null: accepted.
  const JudgedReply* Message(Micros now, int served, std::optional<Micros>* first_seen, Random& random);

  const ReceiverSpec& spec() const { return *spec_; }

 private:
  const ReceiverSpec* spec_;
  int open_ = 0;
  double tokens_;
  Micros tokens_at_ = 0;
  double connection_tokens_ = 5;
  Micros connection_tokens_at_ = 0;
  Micros client_seen_ = kNever;
  bool client_known_ = false;
};

// A latency around `mean` seconds: 70 to 130 %, and one in a hundred five times as long.
Micros Latency(double mean, Random& random);

}  // namespace wavepost::sim
