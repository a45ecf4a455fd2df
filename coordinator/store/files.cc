// Files that mail carries: a record among the names, and the bytes in a column family of their own.
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

using Stored = cluster::v1::StoredFile;

std::string FilePrefix(std::string_view tenant) {
  return NameKey(NameKind::kFile, absl::StrCat(Av(tenant), "/"));
}

}  // namespace

absl::StatusOr<v1::File> RocksStore::PutFile(std::string_view tenant, std::string_view sha256, std::string data) {
  v1::File result;
  const Decide decide = [&](Change& change) -> absl::Status {
    const auto owner = change.read().Get(kNames, NameKey(NameKind::kTenant, tenant));
    if (absl::IsNotFound(owner.status())) return NoSuch("tenant", tenant);
    RETURN_IF_ERROR(owner.status());
    const std::string name = absl::StrCat(Av(tenant), "/files/", Av(sha256));
    const std::string key = NameKey(NameKind::kFile, name);
    auto there = change.read().GetMessage<Stored>(kNames, key);
    if (there.ok()) {
      result = std::move(*there->mutable_file());
      return absl::OkStatus();
    }
    if (!absl::IsNotFound(there.status())) return there.status();
    // At most kFilesMax small rows.
    int64_t files = 0, bytes = 0;
    absl::Status failed;
    const std::string prefix = FilePrefix(tenant);
    RETURN_IF_ERROR(
        change.read().Scan(kNames, prefix, PrefixEnd(prefix), [&](std::string_view, std::string_view value) {
          const auto other = Reader::ParseRecord<Stored>(value);
          failed.Update(other.status());
          if (!other.ok()) return false;
          ++files;
          bytes += other->file().size_bytes();
          return true;
        }));
    RETURN_IF_ERROR(failed);
    const auto size = static_cast<int64_t>(data.size());
    if (files >= kFilesMax) {
      return ApiError(absl::StatusCode::kResourceExhausted, "TOO_MANY_FILES",
                      absl::StrCat("the tenant has ", files, " files already; delete those that no campaign uses"));
    }
    if (size > kFileBytesOfTenantMax - bytes) {
      return ApiError(absl::StatusCode::kResourceExhausted, "TOO_MANY_FILE_BYTES",
                      absl::StrCat("the tenant's files have ", bytes,
                                   " bytes, and with this one they would have more "
                                   "than ",
                                   kFileBytesOfTenantMax, "; delete those that no campaign uses"));
    }
    Stored stored;
    stored.mutable_file()->set_name(name);
    stored.mutable_file()->set_size_bytes(size);
    *stored.mutable_file()->mutable_create_time() = ToProtoTime(change.now());
    change.Put(kNames, key, stored);
    change.Put(kFileBytes, name, data);
    result = std::move(*stored.mutable_file());
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(Write(decide));
  return result;
}

absl::StatusOr<v1::File> RocksStore::GetFile(std::string_view name) {
  auto stored = Durable().GetMessage<Stored>(kNames, NameKey(NameKind::kFile, name));
  if (absl::IsNotFound(stored.status())) return NoSuch("file", name);
  RETURN_IF_ERROR(stored.status());
  return std::move(*stored->mutable_file());
}

absl::StatusOr<std::string> RocksStore::ReadFile(std::string_view name) {
  auto bytes = Durable().Get(kFileBytes, name);
  if (absl::IsNotFound(bytes.status())) return NoSuch("file", name);
  return bytes;
}

absl::StatusOr<Page<v1::File>> RocksStore::ListFiles(std::string_view tenant, int page_size, std::string_view cursor) {
  return List<v1::File>(kNames, FilePrefix(tenant), page_size, cursor,
                        [](std::string_view value, std::vector<v1::File>* items) -> absl::StatusOr<bool> {
                          ASSIGN_OR_RETURN(auto stored, Reader::ParseRecord<Stored>(value));
                          items->push_back(std::move(*stored.mutable_file()));
                          return true;
                        });
}

absl::Status RocksStore::DeleteFile(std::string_view name) {
  return Write([&](Change& change) -> absl::Status {
    const std::string key = NameKey(NameKind::kFile, name);
    const auto stored = change.read().GetMessage<Stored>(kNames, key);
    if (absl::IsNotFound(stored.status())) return NoSuch("file", name);
    RETURN_IF_ERROR(stored.status());
    if (stored->file().campaigns() > 0) {
      return ApiError(absl::StatusCode::kFailedPrecondition, "FILE_IN_USE",
                      absl::StrCat("the file is part of ", stored->file().campaigns(),
                                   stored->file().campaigns() == 1 ? " campaign" : " campaigns", " and has to stay"),
                      {{"resource", std::string(name)}});
    }
    change.Delete(kNames, key);
    change.Delete(kFileBytes, name);
    return absl::OkStatus();
  });
}

}  // namespace wavepost
