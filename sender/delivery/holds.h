// Which recipients are paused. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "wavepost/v1/queue_service.pb.h"

namespace wavepost {

// What a selector is held against. Empty fields: not known.
struct HoldSubject {
  std::string_view tenant;    // "tenants/{tenant}"
  std::string_view campaign;  // "tenants/{tenant}/campaigns/{campaign}"
  std::string_view domain;
  std::string_view site;
  std::string_view provider;
  std::string_view egress_ip;
};

// True if everything that the selector names fits. An empty selector takes nothing in: a slip must not stop the node.
bool Selects(const v1::QueueSelector& selector, const HoldSubject& subject);

class Holds {
 public:
  void Set(std::vector<v1::Pause> pauses) { pauses_ = std::move(pauses); }
  // The pause that holds the subject at `now`; null: none. Valid until Set.
  const v1::Pause* Find(const HoldSubject& subject, absl::Time now) const;
  // When the first pause ends by itself after `now`; InfiniteFuture: none does.
  absl::Time NextEnd(absl::Time now) const;
  const std::vector<v1::Pause>& pauses() const { return pauses_; }

 private:
  std::vector<v1::Pause> pauses_;
};

}  // namespace wavepost
