// A running wave as lines for people and as JSON. Pure: the wave and the time come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "cli/format.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost::cli {

// Recipients that have their outcome.
int64_t Done(const v1::WaveCounts& counts);

// Remembers the speed from update to update. Not thread-safe.
class WaveView {
 public:
  void Update(const v1::Wave& wave, absl::Time now);

  std::string Live(size_t columns) const;  // two lines, for a terminal, without the last '\n'
  std::string Plain() const;               // one line, for a log
  std::string JsonLine() const;

 private:
  v1::Wave wave_;
  absl::Time now_;
  RateMeter meter_;
};

}  // namespace wavepost::cli
