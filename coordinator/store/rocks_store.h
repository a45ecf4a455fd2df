// The books in an embedded RocksDB: the default Store. Layout on disk: README.md.
//
// One thread writes (CommitLoop): each change reads, decides and writes there, so that nothing races; many changes
// share a sync. Readers see the books as of the last sync, never a change that a power cut could take back: what has
// been told to a sender or a caller stays true.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "coordinator/store/store.h"

namespace rocksdb {
class Env;
}

namespace wavepost {

struct RocksStoreOptions {
  std::string data_dir;                       // made if missing
  size_t memory_bytes = 64 << 20;             // RocksDB's write buffers and cache
  const Clock* clock = nullptr;               // required, not owned; used from all threads
  std::function<void(char*, size_t)> random;  // fills in random bytes, for batch ids; null: the machine's generator
  // Domains of ours, whose DMARC and TLS reports are kept as those of tenants' sending domains are. A-labels, lower
  // case.
  std::vector<std::string> own_domains;
  rocksdb::Env* env = nullptr;  // not owned; null: the machine's. Tests cut its power
};

// Errors: as Db::Open. The folder is locked until the store is destroyed; no call may be running then.
//
// After a write that failed (disk full, I/O error) the store refuses all further changes with the same code until it is
// opened anew, since it cannot know how much of that write is on disk; reading goes on.
absl::StatusOr<std::unique_ptr<Store>> OpenRocksStore(RocksStoreOptions options);

}  // namespace wavepost
