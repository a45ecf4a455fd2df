// Reads reports where they arrive and puts them in a store.
#pragma once

#include <string>

#include "bouncer/inbound/message_sink.h"
#include "bouncer/outbox/outbox.h"
#include "common/base/clock.h"

namespace wavepost {

// Any thread. Mail for nobody in particular (postmaster, feedback loop, aggregate reports) is answered with OK and dropped.
class ReportSink final : public MessageSink {
 public:
  // Both must outlive it.
  ReportSink(ReportStore* store, const Clock* clock) : store_(store), clock_(clock) {}

  void Take(TakenMessage message, std::string client, Done done) override;

 private:
  ReportStore* const store_;
  const Clock* const clock_;
};

}  // namespace wavepost
