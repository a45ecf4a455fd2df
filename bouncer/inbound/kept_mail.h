// Mail for people (postmaster, abuse), kept as it is in a Maildir, from where any mail program reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/storage/commit_loop.h"

namespace wavepost {

// Thread-safe. The disk is written on a thread of its own. Nothing here removes mail: people do.
class KeptMail {
 public:
  using Done = std::function<void(absl::Status)>;

  // What is done on disk for a message, in this order. A message that is not yet renamed does not count; one that is
  // renamed survives a power cut once the folder is synced.
  enum class Step { kWrite, kSyncFile, kRename, kSyncFolder };

  struct Options {
    std::string path;              // of the Maildir, e.g. DATA_DIR/postmaster; made if it is not there, mode 0700
    int64_t messages_max = 1'000;  // in "new" and "cur"; beyond that Keep refuses until somebody makes room
    int64_t bytes_max = 256 << 20;
    // Called before each step; an error fails it. For tests of failing disks.
    std::function<absl::Status(Step)> before_step;
  };

  // `clock` must outlive it. What an earlier process left behind half written in "tmp" is removed.
  // Errors: kUnavailable (with path and reason).
  static absl::StatusOr<std::unique_ptr<KeptMail>> Open(Options options, const Clock* clock);
  ~KeptMail();  // as Stop()

  // Stores `message` with a Received field that names `client`; lines end with LF on disk, as in any Maildir;
  // mode 0600. `done` gets OK once all is synced; it runs on the writer's thread, or on the caller's if the
  // message is refused at once, and must be short. Any thread.
  //
  // Errors: kResourceExhausted (messages_max, bytes_max, or too many wait), kUnavailable (disk), kCancelled (stopped).
  void Keep(std::string message, std::string client, Done done);

  // Finishes what waits; refuses what comes later. Idempotent.
  void Stop();

 private:
  struct Room {
    int64_t messages = 0;
    int64_t bytes = 0;
  };

  KeptMail(Options options, const Clock* clock);
  absl::Status MakeFolders();
  Room Count() const;
  absl::Status Before(Step step) const;
  absl::Status Write(const std::string& trace, const std::string& message);
  absl::Status WriteTo(const std::string& path, const std::string& trace, const std::string& message) const;
  absl::Status SyncNew() const;

  const Options options_;
  const Clock* const clock_;
  // The writer's thread only.
  Room used_;
  uint64_t written_ = 0;
  std::unique_ptr<CommitLoop> writer_;  // last: its thread uses everything above
};

}  // namespace wavepost
