#include "cli/upload.h"

#include <grpcpp/support/sync_stream.h>

#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/content_id.h"
#include "cli/files.h"
#include "cli/format.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/files_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

constexpr absl::Duration kUploadTimeout = absl::Minutes(10);  // 10 MB over a slow line
constexpr char kCure[] =
    "campaign.content.attachments may have 10 MB (10,485,760 bytes) together; make it smaller, or put it on a web page "
    "and link to it";

// Where a person finds it: the option and the path.
std::string PlaceOf(const AttachmentSpec& spec) {
  return absl::StrCat(spec.option, " ", Printable(spec.path, 300));
}

}  // namespace

absl::StatusOr<std::vector<LoadedFile>> LoadFiles(const std::vector<std::string>& attach,
                                                  const std::vector<std::string>& inlined) {
  if (attach.size() + inlined.size() > kAttachmentsMax) {
    return UsageError(absl::StrCat("--attach and --inline: ", attach.size() + inlined.size(),
                                   " files, but a message may "
                                   "have ",
                                   kAttachmentsMax, "; put them into one archive"));
  }
  std::vector<LoadedFile> files;
  std::set<std::string> content_ids;
  for (const std::string& text : attach) {
    ASSIGN_OR_RETURN(files.emplace_back().spec, ParseAttach(text));
  }
  for (const std::string& text : inlined) {
    ASSIGN_OR_RETURN(files.emplace_back().spec, ParseInline(text));
    if (!content_ids.insert(files.back().spec.content_id).second) {
      return UsageError(
          absl::StrCat("--inline: the content id '", files.back().spec.content_id, "' stands there twice"));
    }
  }
  size_t total = 0;
  for (LoadedFile& file : files) {
    ASSIGN_OR_RETURN(file.bytes, ReadBinaryFile(file.spec.option, file.spec.path, kAttachmentBytesMax, kCure));
    total += file.bytes.size();
    if (total > kAttachmentBytesMax) {
      return FileError(
          absl::ResourceExhaustedError(absl::StrCat(PlaceOf(file.spec), ": with it the files have ",
                                                    WithCommas(static_cast<int64_t>(total)), " bytes; ", kCure)));
    }
  }
  return files;
}

absl::StatusOr<v1::Attachment> Upload(const Cli& cli, const std::string& tenant, const LoadedFile& file) {
  const auto stub = v1::FileService::NewStub(cli.channel());
  const auto context = NewContext(cli, kUploadTimeout);
  v1::File stored;
  const auto stream = stub->UploadFile(context.get(), &stored);
  v1::UploadFileRequest chunk;
  chunk.set_parent(tenant);
  for (std::string_view rest = file.bytes; !rest.empty(); rest.remove_prefix(chunk.data().size())) {
    chunk.set_data(std::string(rest.substr(0, kUploadChunkBytes)));
    // The reason why the server takes no more comes with Finish.
    if (!stream->Write(chunk)) break;
    chunk.clear_parent();
  }
  stream->WritesDone();
  RETURN_IF_ERROR(Annotate(FromGrpc(stream->Finish()), absl::StrCat("upload of ", PlaceOf(file.spec))));
  if (Leaf(stored.name()) != Sha256Hex(file.bytes)) {
    return absl::InternalError(
        absl::StrCat("upload of ", PlaceOf(file.spec), ": the coordinator stored something else than was sent"));
  }
  v1::Attachment attachment;
  attachment.set_file(stored.name());
  attachment.set_file_name(file.spec.file_name);
  attachment.set_content_type(file.spec.content_type);
  attachment.set_content_id(file.spec.content_id);
  return attachment;
}

}  // namespace wavepost::cli
