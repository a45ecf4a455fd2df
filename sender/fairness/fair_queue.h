// Whose turn it is, among everything that waits for one group of mail hosts. Pure.
//
// Levels: priority (urgent before bulk, strictly), then tenants (weighted turns), then waves of a tenant (equal turns),
// then within a wave retries before newcomers, then the recipient domains in turn. A turn is one message. So a wave of
// a million stands neither in front of another tenant's three hundred nor of a password reset, and a tenant gets no
// more by cutting its audience into many waves.
//
// Holds no messages: a Lane stands for a non-empty run of ready messages that somebody else keeps (a window on the
// sender, a counter in the simulation). The caller takes one message from the lane that Next() returns, and calls
// Remove when the lane has no more. All operations O(log of tenants with work) or better; no allocation per turn.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"

namespace wavepost {

struct FlowKey {
  bool urgent = false;
  uint32_t tenant = 0;  // any number that stands for the tenant
  double weight = 1;    // of the tenant; the last one told counts
  uint32_t wave = 0;
  bool retry = false;  // false: first attempts
};

class FairQueue {
 public:
  using Lane = void*;  // never dereferenced; unique among the lanes in the queue

  FairQueue();
  ~FairQueue();

  // The lane has ready messages from now on. Adding a lane that is in already changes nothing. A tenant or wave that
  // comes (back) starts level with those that are there: it neither owes nor is owed turns.
  void Add(Lane lane, const FlowKey& flow);
  void Remove(Lane lane);
  bool Contains(Lane lane) const;

  struct Wanted {
    bool newcomers = true;  // false: urgent messages and retries only (the greylisting gate is closed)
    bool bulk = true;       // false: urgent ones only
    const absl::flat_hash_set<uint32_t>* stopped_tenants = nullptr;  // those at their ceiling; null: none
  };
  // The lane whose turn it is, charged with one message; null: none that is wanted. The turn of a tenant that has
  // nothing wanted passes to the next without loss of its share.
  Lane Next(const Wanted& wanted);
  // Gives the last turn back: the message was not sent after all.
  void Refund(const FlowKey& flow);
  // True if Next would return something.
  bool Has(const Wanted& wanted) const;

  size_t size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
