// What the simulation of one egress IP keeps: sites, groups, lanes, connections, deferred recipients, events. Plain
// data; egress_sim.cc drives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "bench/sim/receiver.h"
#include "bench/sim/world.h"
#include "sender/engine/site_path.h"

namespace wavepost::sim {

inline constexpr int64_t kEpochSeconds = 1'767'225'600;  // 2026-01-01 00:00 UTC
inline constexpr uint32_t kNobody = UINT32_MAX;

inline absl::Time At(Micros t) {
  return absl::FromUnixMicros(kEpochSeconds * kSecond + t);
}
// Rounded up: never before the time that was asked for.
inline Micros ToMicros(absl::Time t) {
  return t == absl::InfiniteFuture() ? kNever : absl::ToUnixMicros(t) - kEpochSeconds * kSecond + 1;
}

struct PathRec;

struct GroupRec {
  PathGroup* group = nullptr;
  PathRec* path = nullptr;
};

// Messages of one (domain, tenant, kind). Newcomers are only counted, in lane.ready.
struct LaneRec {
  ReadyLane lane;  // first: the path hands out pointers to it
  GroupRec* group = nullptr;
  uint32_t domain = 0;
  std::vector<uint32_t> queue;  // recipients, for retries and urgent ones
  size_t head = 0;
};

struct Conn {
  PathRec* path = nullptr;
  GroupRec* group = nullptr;
  SitePath::Turn turn;
  LaneRec* lane = nullptr;               // of the message under way
  uint32_t recipient = kNobody;          // of it, if it has a record
  const JudgedReply* refusal = nullptr;  // what the answer will be; null: accepted
  std::optional<Micros> first_seen;      // of the message under way, by the receiver
  int served = 0;
  uint32_t generation = 0;  // timers of an older one are void
  bool sleeping = false;
  uint32_t index = 0;
};

struct PathRec {
  PathRec(SitePath* p, const SiteSpec* s, uint32_t i) : path(p), site(s), receiver(s->receiver), index(i) {}
  std::unique_ptr<SitePath> path;
  const SiteSpec* site;
  Receiver receiver;
  const uint32_t index;
  Micros look_at = kNever;
  bool waits = false;  // for one of the address's connections
  std::vector<Conn*> sleepers;
  int64_t urgent_ready = 0;
  // Fairness: ready messages by tenant, and turns taken while all that had work here had some left.
  std::vector<int32_t> ready, contended;
  int tenants = 0, tenants_ready = 0;
};

struct Recipient {
  Micros arrived = 0;
  std::optional<Micros> first_seen;  // greylisted first
  int greylist_step = 0, step = 0;
  LaneRec* retry_lane = nullptr;
  bool urgent = false;
};

enum Kind : uint32_t { kLook, kConnected, kRefused, kAnswered, kWake, kDue };

struct Event {
  Micros at;
  uint64_t order;  // of what was planned, to break ties
  uint32_t kind;
  uint32_t item;
  uint32_t generation;
  bool operator>(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
};

}  // namespace wavepost::sim
