// One egress IP with an endless backlog against a modelled receiver, in virtual time: the shaper in a closed loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "sender/shaping/shaper.h"
#include "sender/sites/limits.h"

namespace wavepost::testing {

// What a receiver answers; nothing: welcome.
struct Complaint {
  Throttle kind = Throttle::kRate;
  std::optional<absl::Duration> hint;
};

class Receiver {
 public:
  virtual ~Receiver() = default;
  // open: our connections there, this one not included.
  virtual std::optional<Complaint> OnConnect(absl::Time, int /*open*/) { return std::nullopt; }
  virtual std::optional<Complaint> OnMessage(absl::Time now) = 0;
  // Messages that a perfect sender could have had accepted in this time.
  virtual double Tolerated(absl::Time from, absl::Time until) const = 0;
};

// A rate that changes at given times.
struct RateChange {
  absl::Duration after;
  double per_second;
};

// A token bucket.
class BucketReceiver : public Receiver {
 public:
  BucketReceiver(absl::Time start, std::vector<RateChange> rates, double burst);
  std::optional<Complaint> OnMessage(absl::Time now) override;
  double Tolerated(absl::Time from, absl::Time until) const override;

 protected:
  absl::Time start_;
  std::vector<RateChange> rates_;
  double burst_;
  double tokens_;
  absl::Time filled_at_;
};

// A bucket that refuses everything for `block` once it has been exceeded.
class BlockingReceiver : public BucketReceiver {
 public:
  BlockingReceiver(absl::Time start, double rate, double burst, absl::Duration block, Throttle kind)
      : BucketReceiver(start, {{absl::ZeroDuration(), rate}}, burst), block_(block), kind_(kind) {}
  std::optional<Complaint> OnConnect(absl::Time now, int open) override;
  std::optional<Complaint> OnMessage(absl::Time now) override;
  int blocks() const { return blocks_; }

 private:
  absl::Duration block_;
  Throttle kind_;
  absl::Time blocked_until_ = absl::InfinitePast();
  int blocks_ = 0;
};

// So many per clock minute, then nothing until the next one.
class MinuteReceiver : public Receiver {
 public:
  explicit MinuteReceiver(int per_minute) : per_minute_(per_minute) {}
  std::optional<Complaint> OnMessage(absl::Time now) override;
  double Tolerated(absl::Time from, absl::Time until) const override;

 private:
  int per_minute_;
  int64_t minute_ = 0;
  int count_ = 0;
};

// So many connections, and no limit on messages.
class ConnectionsReceiver : public Receiver {
 public:
  ConnectionsReceiver(int connections, absl::Duration per_message, Throttle kind)
      : connections_(connections), per_message_(per_message), kind_(kind) {}
  std::optional<Complaint> OnConnect(absl::Time now, int open) override;
  std::optional<Complaint> OnMessage(absl::Time) override { return std::nullopt; }
  double Tolerated(absl::Time from, absl::Time until) const override;
  // From now on.
  void SetConnections(int connections) { connections_ = connections; }

 private:
  int connections_;
  absl::Duration per_message_;
  Throttle kind_;
};

struct LoopOptions {
  SiteLimits limits;
  absl::Duration latency = absl::Milliseconds(200);
  double latency_spread = 0.2;  // plus or minus
  uint64_t seed = 1;
  double scale = 1;
};

struct LoopFigures {
  int64_t attempts = 0;
  int64_t accepted = 0;
  int64_t refused = 0;      // messages
  int64_t connections = 0;  // attempts
  int64_t refused_connections = 0;
  double utilisation = 0;  // accepted / what the receiver tolerated
  double wasted = 0;       // (refused + refused connections) / (attempts + refused connections)
};

class Loop {
 public:
  Loop(const LoopOptions& options, Receiver* receiver, absl::Time start);
  // Runs until `until` and returns what happened since the last call.
  LoopFigures RunUntil(absl::Time until);
  // A crash and a start: connections are lost, the shaper is what was stored.
  void Restart();
  absl::Time now() const { return now_; }
  const Shaper& shaper() const { return shaper_; }

 private:
  enum class What { kConnect, kConnectReply, kMessage, kReply, kWake };
  struct Event {
    absl::Time at;
    int64_t number;
    What what;
    int connection;
    int generation;
    std::optional<Complaint> complaint;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : number > other.number; }
  };
  struct Connection {
    bool open = false;   // from our side
    bool there = false;  // from theirs
    bool busy = false;
    int messages = 0;
    int generation = 0;
  };

  void Push(absl::Time at, What what, int connection, std::optional<Complaint> complaint = std::nullopt);
  void Handle(const Event& event);
  void Pump();
  void Close(Connection* connection);
  int open() const { return open_; }
  absl::Duration HalfTrip();
  double Uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  LoopOptions options_;
  Receiver* receiver_;
  Shaper shaper_;
  std::mt19937_64 random_;
  absl::Time now_;
  absl::Time since_;
  std::priority_queue<Event> events_;
  std::vector<Connection> connections_;
  int open_ = 0;
  int there_ = 0;
  int64_t number_ = 0;
  absl::Time wake_at_ = absl::InfiniteFuture();
  LoopFigures figures_;
};

}  // namespace wavepost::testing
