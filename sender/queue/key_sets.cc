// Key sets at rest. Row: "tenant \0 domain" -> version (32 bytes), then the serialized set, sealed. With nothing behind
// the version it is one that is wanted.
#include <rocksdb/db.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/seal/seal.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {
namespace {

constexpr size_t kVersionBytes = 32;

std::string RowKey(std::string_view tenant, std::string_view domain) {
  return absl::StrCat(Av(tenant), absl::string_view("\0", 1), Av(domain));
}

std::string Context(std::string_view tenant, std::string_view domain) {
  return absl::StrCat("keys/", Av(tenant), "/", Av(domain));
}

std::string_view ViewOf(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace

void RocksQueueStore::PutKeySet(cluster::v1::KeySet keys, Done done) {
  const absl::StatusOr<std::string> sealed =
      options_.sealer->Seal(keys.SerializeAsString(), Context(keys.tenant(), keys.domain()));
  const bool good = sealed.ok() && keys.version().size() == kVersionBytes;
  loop_->Submit(
      [this, key = RowKey(keys.tenant(), keys.domain()), row = good ? keys.version() + *sealed : std::string(),
       status = good ? absl::OkStatus()
                     : absl::InternalError(absl::StrCat("key set of ", keys.domain(), ": ",
                                                        sealed.ok() ? "has no version" : sealed.status().message()))] {
        RETURN_IF_ERROR(status);
        Change change;
        change.batch.Put(db_->cf(kKeys), key, row);
        return Write(&change);
      },
      std::move(done));
}

absl::StatusOr<cluster::v1::KeySet> RocksQueueStore::GetKeySet(std::string_view tenant, std::string_view domain) const {
  ASSIGN_OR_RETURN(const std::string row, db_->Get(kKeys, RowKey(tenant, domain)));
  if (row.size() < kVersionBytes) return absl::DataLossError("the stored key set is cut");
  if (row.size() == kVersionBytes) return absl::NotFoundError("no key set has come");
  const auto opened = options_.sealer->Open(std::string_view(row).substr(kVersionBytes), Context(tenant, domain));
  // A damaged row is nobody's fault but the disk's: kInvalidArgument would blame the recipient.
  if (absl::IsInvalidArgument(opened.status())) {
    return absl::DataLossError(absl::StrCat("keys of ", Av(domain), ": ", opened.status().message()));
  }
  if (!opened.ok()) return Annotate(opened.status(), absl::StrCat("keys of ", Av(domain)));
  cluster::v1::KeySet keys;
  if (!keys.ParseFromString(*opened)) return absl::DataLossError("the stored key set is unreadable");
  return keys;
}

absl::StatusOr<std::vector<cluster::v1::KeySetVersion>> RocksQueueStore::ReadKeySetVersions(size_t limit) const {
  std::vector<cluster::v1::KeySetVersion> out;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kKeys)));
  for (it->SeekToFirst(); it->Valid() && out.size() < limit; it->Next()) {
    const std::string_view key = ViewOf(it->key());
    const size_t border = key.find('\0');
    if (border == std::string_view::npos || it->value().size() < kVersionBytes) continue;
    const std::string_view tenant = key.substr(0, border);
    const std::string_view domain = key.substr(border + 1);
    cluster::v1::KeySetVersion& version = out.emplace_back();
    version.set_tenant(std::string(tenant));
    version.set_domain(std::string(domain));
    // One that does not open (the sealing key was lost, or it has never come) is said to have no version: the
    // coordinator sends it, since it has another one.
    const std::string_view sealed = ViewOf(it->value()).substr(kVersionBytes);
    if (options_.sealer->Open(sealed, Context(tenant, domain)).ok()) {
      version.set_version(it->value().data(), kVersionBytes);
    }
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read the key sets"));
  return out;
}

// A row without a key set for everybody whose mail is here: asked for with the next hello.
absl::Status RocksQueueStore::AskForKeySets(Change* change) {
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kContent)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    cluster::v1::Content content;
    if (!content.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) continue;
    const std::string& from = content.content().from_address();
    const std::string row = RowKey(content.tenant(), AsciiLower(from.substr(from.rfind('@') + 1)));
    if (!db_->Get(kKeys, row).ok()) change->batch.Put(db_->cf(kKeys), row, std::string(kVersionBytes, '\0'));
  }
  return FromRocks(it->status(), "read the contents");
}

// Folders of earlier versions hold keys as they are, by domain.
absl::Status RocksQueueStore::EraseClearKeys() {
  Change change;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kKeys)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (ViewOf(it->key()).find('\0') == std::string_view::npos) change.batch.Delete(db_->cf(kKeys), it->key());
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read the key sets"));
  if (change.batch.Count() == 0) return absl::OkStatus();
  RETURN_IF_ERROR(AskForKeySets(&change));
  RETURN_IF_ERROR(Write(&change));
  // Out of the files too, not only out of sight.
  it.reset();
  RETURN_IF_ERROR(FromRocks(db_->raw()->Flush(rocksdb::FlushOptions(), db_->cf(kKeys)), "forget keys in the clear"));
  rocksdb::CompactRangeOptions all;
  all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  return FromRocks(db_->raw()->CompactRange(all, db_->cf(kKeys), nullptr, nullptr), "forget keys in the clear");
}

}  // namespace wavepost
