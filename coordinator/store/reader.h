// Reads one state of the books. Without a snapshot: the newest state, for the writer thread, which must see what it has
// written a moment ago. With one: a state that is on disk and stays the same, for everybody else.
//
// Cheap to copy. Thread-safe. Must not outlive the Db.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/status_macros.h"
#include "coordinator/store/keys.h"

namespace rocksdb {
class Snapshot;
}

namespace wavepost {

class Db;

class Reader {
 public:
  explicit Reader(const Db* db, std::shared_ptr<const rocksdb::Snapshot> snapshot = nullptr)
      : db_(db), snapshot_(std::move(snapshot)) {}

  // kNotFound.
  absl::StatusOr<std::string> Get(Family family, std::string_view key) const;

  // kDataLoss if the record cannot be read.
  template <class Message>
  absl::StatusOr<Message> GetMessage(Family family, std::string_view key) const {
    ASSIGN_OR_RETURN(const std::string bytes, Get(family, key));
    return ParseRecord<Message>(bytes);
  }

  // One entry per key; nothing where there is no row.
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(Family family,
                                                                   const std::vector<std::string>& keys) const;

  // Rows with from <= key < until in order, until `visit` returns false. Empty `until`: to the end.
  absl::Status Scan(Family family, std::string_view from, std::string_view until,
                    const std::function<bool(std::string_view key, std::string_view value)>& visit) const;

  // Key of the last row; empty if there is none.
  absl::StatusOr<std::string> LastKey(Family family) const;

  template <class Message>
  static absl::StatusOr<Message> ParseRecord(std::string_view bytes) {
    Message message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return absl::DataLossError("a record in the data folder cannot be read: " + Message::descriptor()->full_name());
    }
    return message;
  }

 private:
  const Db* db_;
  std::shared_ptr<const rocksdb::Snapshot> snapshot_;
};

}  // namespace wavepost
