// FileService: attachments and inline pictures.
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/api/upload_gate.h"
#include "coordinator/api/upload_stream.h"
#include "coordinator/base/log.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/files_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr std::string_view kFilePattern = "tenants/{tenant}/files/{sha256}";

class FileService final : public v1::FileService::CallbackService {
 public:
  FileService(const ApiContext* api, LiveStreams* live) : api_(api), live_(live) {}

  grpc::ServerReadReactor<v1::UploadFileRequest>* UploadFile(grpc::CallbackServerContext* context,
                                                             v1::File* response) override {
    return UploadStream::Create(api_, live_, &gate_, context, response);
  }

  grpc::ServerUnaryReactor* GetFile(grpc::CallbackServerContext* context, const v1::GetFileRequest* request,
                                    v1::File* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::File> {
      ASSIGN_OR_RETURN(const FileName name, ParseName<FileName>(caller, "name", kFilePattern, request->name()));
      auto file = api_->store->GetFile(name.ToString());
      if (!file.ok()) return HideNotFound(file.status(), request->name());
      return file;
    });
  }

  grpc::ServerUnaryReactor* ListFiles(grpc::CallbackServerContext* context, const v1::ListFilesRequest* request,
                                      v1::ListFilesResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) -> absl::StatusOr<v1::ListFilesResponse> {
                  ASSIGN_OR_RETURN(const TenantName parent,
                                   ParseName<TenantName>(caller, "parent", "tenants/{tenant}", request->parent()));
                  const std::string listing = absl::StrCat("files of ", parent.ToString());
                  ASSIGN_OR_RETURN(const int size, CheckedPageSize(request->page_size()));
                  ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request->page_token()));
                  ASSIGN_OR_RETURN(auto page, api_->store->ListFiles(parent.ToString(), size, cursor));
                  v1::ListFilesResponse out;
                  for (v1::File& file : page.items) *out.add_files() = std::move(file);
                  out.set_next_page_token(PageToken(listing, page.next));
                  return out;
                });
  }

  grpc::ServerUnaryReactor* DeleteFile(grpc::CallbackServerContext* context, const v1::DeleteFileRequest* request,
                                       v1::DeleteFileResponse* response) override {
    return Call(
        api_, context, response, [this, request](const Caller& caller) -> absl::StatusOr<v1::DeleteFileResponse> {
          ASSIGN_OR_RETURN(const FileName name, ParseName<FileName>(caller, "name", kFilePattern, request->name()));
          const absl::Status deleted = api_->store->DeleteFile(name.ToString());
          if (!deleted.ok()) return HideNotFound(deleted, request->name());
          LogInfo("file_deleted", {{"file", request->name()}});
          return v1::DeleteFileResponse();
        });
  }

 private:
  const ApiContext* const api_;
  LiveStreams* const live_;
  UploadGate gate_;  // streams' thread
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFileService(const ApiContext* api, LiveStreams* live) {
  return std::make_unique<FileService>(api, live);
}

}  // namespace wavepost
