// Our own identity: one record.
#include "common/base/status_macros.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

using Stored = cluster::v1::StoredIdentity;

absl::StatusOr<Stored> ReadIdentity(const Reader& read) {
  auto stored = read.GetMessage<Stored>(kNames, NameKey(NameKind::kIdentity, ""));
  if (absl::IsNotFound(stored.status())) return Stored();
  return stored;
}

}  // namespace

absl::StatusOr<Stored> RocksStore::GetIdentity() {
  return ReadIdentity(Durable());
}

absl::StatusOr<Stored> RocksStore::ChangeIdentity(const IdentityChange& change_identity) {
  Stored result;
  const Decide decide = [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(result, ReadIdentity(change.read()));
    const Stored before = result;
    std::vector<v1::Event> events;
    RETURN_IF_ERROR(change_identity(&result, &events));
    change.Put(kNames, NameKey(NameKind::kIdentity, ""), result);
    if (before.own().SerializeAsString() != result.own().SerializeAsString()) change.TouchKeys();
    for (const v1::Event& event : events) change.AddEvent(EventOf("", event));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(Write(decide));
  return result;
}

}  // namespace wavepost
