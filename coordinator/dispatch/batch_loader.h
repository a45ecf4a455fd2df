// Reads a pending batch from the store and completes it: return paths, content, signing key.
//
// One thread only. Blocks for the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mail/verp.h"
#include "coordinator/dispatch/node_session.h"
#include "coordinator/store/store.h"

namespace wavepost {

class BatchLoader {
 public:
  struct Options {
    std::string return_path_domain;
    std::string message_id_domain;
    const TokenKeys* token_keys = nullptr;  // not owned
  };

  BatchLoader(Store* store, Options options) : store_(store), options_(std::move(options)) {}

  // now: decides how fresh what is known of the wave must be; a new signing key is taken up within kFreshFor.
  absl::StatusOr<LoadedBatch> Load(const cluster::v1::PendingBatch& pending, absl::Time now);

 private:
  static constexpr size_t kWavesMax = 1000;
  static constexpr absl::Duration kFreshFor = absl::Seconds(5);

  struct WaveInfo {
    absl::Time read;
    std::shared_ptr<const cluster::v1::Content> content;
    std::shared_ptr<const cluster::v1::SigningKey> signing_key;
    uint8_t token_key_id = 0;
    std::string campaign;
    v1::Priority priority = v1::PRIORITY_UNSPECIFIED;
    double tenant_weight = 0;
    int64_t after_order = 0;
  };

  absl::StatusOr<const WaveInfo*> InfoOf(uint32_t wave, absl::Time now);

  Store* const store_;
  const Options options_;
  absl::flat_hash_map<uint32_t, WaveInfo> waves_;
};

}  // namespace wavepost
