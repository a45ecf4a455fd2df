// Reads a pending batch from the store and completes it: return paths, content with its files, key set.
//
// One thread only. Blocks for the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mail/verp.h"
#include "coordinator/dispatch/node_session.h"
#include "coordinator/names/content_record.h"
#include "coordinator/store/store.h"

namespace wavepost {

class Sealer;

class BatchLoader {
 public:
  struct Options {
    ContentOptions content;
    const TokenKeys* token_keys = nullptr;  // not owned, as the next
    const Sealer* sealer = nullptr;
  };

  BatchLoader(Store* store, Options options) : store_(store), options_(std::move(options)) {}

  // now: decides how fresh what is known of the wave must be. Changed keys are taken up at once.
  absl::StatusOr<LoadedBatch> Load(const cluster::v1::PendingBatch& pending, absl::Time now);

  // The key set as it is now.
  absl::StatusOr<cluster::v1::KeySet> Keys(std::string_view tenant, std::string_view domain);

 private:
  static constexpr size_t kWavesMax = 1000;
  static constexpr size_t kFileBytesMax = 128 << 20;  // kept of all waves
  static constexpr absl::Duration kFreshFor = absl::Seconds(5);

  struct WaveInfo {
    absl::Time read;
    int64_t keys_generation = 0;
    std::shared_ptr<const cluster::v1::Content> content;
    std::shared_ptr<const cluster::v1::KeySet> keys;
    std::string return_path_domain;
    uint8_t token_key_id = 0;
    std::string campaign;
    v1::Priority priority = v1::PRIORITY_UNSPECIFIED;
    double tenant_weight = 0;
    int64_t after_order = 0;
  };

  absl::StatusOr<const WaveInfo*> InfoOf(uint32_t wave, absl::Time now);
  absl::StatusOr<std::shared_ptr<const cluster::v1::Content>> WithFiles(cluster::v1::Content content);

  Store* const store_;
  const Options options_;
  absl::flat_hash_map<uint32_t, WaveInfo> waves_;
  absl::flat_hash_map<std::string, std::shared_ptr<const cluster::v1::Content>> with_files_;  // by content id
  size_t file_bytes_ = 0;                                                                     // in with_files_
};

}  // namespace wavepost
