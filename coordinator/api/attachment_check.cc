#include "coordinator/api/attachment_check.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/mail/message.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {
namespace {

constexpr int64_t kMegabyte = 1 << 20;

// What is wrong with a reference, or the file's size.
struct FileFound {
  std::optional<std::string> wrong;
  int64_t size_bytes = 0;
};

absl::StatusOr<FileFound> FindFile(const std::string& file, std::string_view tenant, const FileSizeOf& size_of) {
  if (file.empty()) return FileFound{"is required; upload the file, and give the name that comes back"};
  const std::optional<FileName> name = FileName::Parse(file);
  if (!name.has_value()) {
    return FileFound{absl::StrCat("must be tenants/{tenant}/files/{sha256}, the name that an upload returns, is '",
                                  Printable(file, 200), "'")};
  }
  // Another tenant's file and one that does not exist look the same.
  absl::StatusOr<int64_t> size = absl::NotFoundError("");
  if (TenantName{name->tenant}.ToString() == tenant) size = size_of(file);
  if (absl::IsNotFound(size.status())) {
    return FileFound{absl::StrCat(file, " does not exist; upload the file first, to the campaign's own tenant")};
  }
  if (!size.ok()) return size.status();
  return FileFound{std::nullopt, *size};
}

}  // namespace

absl::Status CheckAttachedFiles(const v1::Content& content, std::string_view tenant, const FileSizeOf& size_of,
                                std::vector<FieldViolation>* bad) {
  int64_t total = 0;
  // More than so many are refused anyway.
  const int attachments = std::min(content.attachments_size(), static_cast<int>(kAttachmentsMax));
  for (int i = 0; i < attachments; ++i) {
    auto found = FindFile(content.attachments(i).file(), tenant, size_of);
    if (!found.ok()) return found.status();
    total += found->size_bytes;
    if (!found->wrong.has_value()) continue;
    bad->push_back({absl::StrCat("campaign.content.attachments[", i, "].file"), *std::move(found->wrong)});
  }
  if (total > static_cast<int64_t>(kAttachmentBytesMax)) {
    bad->push_back({"campaign.content.attachments",
                    absl::StrCat("have ", (total + kMegabyte - 1) / kMegabyte, " MB together; at most ",
                                 kAttachmentBytesMax / kMegabyte,
                                 " MB are allowed, since most receivers refuse larger mail: put the files on a web "
                                 "server and link to them")});
  }
  return absl::OkStatus();
}

}  // namespace wavepost
