// A disk for tests that behaves as badly as disks may: it forgets what was not synced when the power is cut, fails the
// nth operation, or is full.
//
// Wraps the machine's file system; a sync is only noted, not carried out, so that tests are quick. What a power cut
// takes: bytes after a file's last sync (a random part of them may survive, as on a real disk), files that were made
// and renames that were done since the last sync of their folder. Removals stick.
//
// Thread-safe. Give env() to Db::Options; must outlive the Db.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"

namespace rocksdb {
class Env;
}

namespace wavepost {

class PowerCutEnv {
 public:
  PowerCutEnv();
  ~PowerCutEnv();

  rocksdb::Env* env() const;

  // Operations so far that alter the disk: appends, syncs, creations, renames, removals.
  int64_t operations() const;

  // The power goes in the middle of the nth operation from now (1: the next one). As nobody is left then to be told, it
  // and all later ones seem to succeed, and leave nothing behind: what the caller hears after power_is_cut() does not
  // count. Close the Db, call PowerCycle and open it again to see what is left.
  void CutPowerAt(int64_t nth);
  bool power_is_cut() const;

  // Only the nth operation from now fails, with an I/O error. 0: none.
  void FailAt(int64_t nth);

  // While full, appends and creations fail for want of space.
  void SetFull(bool full);

  // Throws away what was not synced and restores the power. No file may be open. seed: decides what survives of the
  // bytes that were not synced.
  absl::Status PowerCycle(uint64_t seed);

  // Acts as if syncs of files did nothing from now on: for the test that the tests notice.
  void IgnoreSyncs();

 private:
  class Disk;
  class File;
  class Folder;
  const std::shared_ptr<Disk> disk_;
  const std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace wavepost
