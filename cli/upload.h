// Brings the files of --attach and --inline to the coordinator.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/attachment.h"
#include "cli/cli.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost::cli {

inline constexpr size_t kAttachmentBytesMax = 10 << 20;  // of all together: the API's
inline constexpr size_t kUploadChunkBytes = 256 << 10;

struct LoadedFile {
  AttachmentSpec spec;
  std::string bytes;
};

// Parses what was typed and reads the files, in order, attachments first; no call is made. Errors: usage errors (also
// for a content id twice, or more than kAttachmentsMax), and file errors: a file that cannot be read, is empty, or is
// larger than kAttachmentBytesMax alone or together with the others.
absl::StatusOr<std::vector<LoadedFile>> LoadFiles(const std::vector<std::string>& attach,
                                                  const std::vector<std::string>& inlined);

// Uploads one file and returns its part of a campaign. Uploading again is harmless: a file is called by what is in it.
// Errors: the server's, with the file's path; kInternal (the server stored something else).
absl::StatusOr<v1::Attachment> Upload(const Cli& cli, const std::string& tenant, const LoadedFile& file);

}  // namespace wavepost::cli
