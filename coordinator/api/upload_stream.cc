#include "coordinator/api/upload_stream.h"

#include <grpcpp/impl/codegen/server_context.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/mail/message.h"
#include "common/rpc/status.h"
#include "coordinator/api/request.h"
#include "coordinator/base/log.h"
#include "coordinator/names/resource_names.h"
#include "coordinator/rpc/auth.h"

namespace wavepost {
namespace {

static_assert(kFileBytesMax == kAttachmentBytesMax, "the sentence about a file that is too large says so");

absl::Status Busy(std::string_view what) {
  return ApiError(absl::StatusCode::kResourceExhausted, "BUSY", what);
}

absl::Status Stopping() {
  return ApiError(absl::StatusCode::kUnavailable, "STOPPING",
                  "the coordinator is stopping; the file is not stored, upload it again in a moment");
}

absl::Status BadData(std::string what) {
  return BadFields("BAD_FILE", {{"data", std::move(what)}});
}

}  // namespace

Uploader::Uploader(const ApiContext* api, std::optional<std::string> authorization)
    : api_(api), authorization_(std::move(authorization)) {}

absl::Status Uploader::Greet() const {
  return api_->auth->Check(authorization_).status();
}

absl::Status Uploader::Open(const std::string& parent) {
  ASSIGN_OR_RETURN(const Caller caller, api_->auth->Check(authorization_));
  ASSIGN_OR_RETURN(const TenantName tenant, ParseName<TenantName>(caller, "parent", "tenants/{tenant}", parent));
  RETURN_IF_ERROR(HideNotFound(api_->store->GetTenant(tenant.ToString()).status(), parent));
  parent_ = tenant.ToString();
  return absl::OkStatus();
}

absl::Status Uploader::Take(const v1::UploadFileRequest& chunk) {
  if (parent_.empty()) RETURN_IF_ERROR(Open(chunk.parent()));
  if (chunk.data().size() > kUploadChunkBytesMax) {
    return BadData(absl::StrCat("the chunk has ", chunk.data().size(), " bytes; send at most ", kUploadChunkBytesMax,
                                " in a message, and more messages"));
  }
  if (chunk.data().size() > kFileBytesMax - data_.size()) {
    return BadData(
        "the file has more than 10 MB; mail with it would be refused by most receivers: put it on a web server and "
        "link to it");
  }
  data_ += chunk.data();
  return absl::OkStatus();
}

absl::StatusOr<v1::File> Uploader::Finish() {
  if (parent_.empty()) return BadFields("BAD_NAME", {{"parent", "is required in the first message"}});
  if (data_.empty()) return BadData("the file is empty; look whether the right one was chosen");
  const std::string sha256 = absl::BytesToHexString(Av(Sha256(data_)));
  auto stored = api_->store->PutFile(parent_, sha256, std::move(data_));
  if (!stored.ok()) return HideNotFound(stored.status(), parent_);
  LogInfo("file_uploaded", {{"file", stored->name()}, {"bytes", stored->size_bytes()}});
  return stored;
}

UploadStream* UploadStream::Create(const ApiContext* api, LiveStreams* live, UploadGate* gate,
                                   grpc::CallbackServerContext* context, v1::File* response) {
  std::shared_ptr<UploadStream> stream(new UploadStream(api, live, gate, AuthorizationOf(*context), response));
  stream->self_ = stream;
  api->streams->Post([stream] { stream->Start(); });
  return stream.get();
}

UploadStream::UploadStream(const ApiContext* api, LiveStreams* live, UploadGate* gate,
                           std::optional<std::string> authorization, v1::File* response)
    : api_(api), live_(live), gate_(gate), response_(response), uploader_(api, std::move(authorization)) {}

void UploadStream::Start() {
  if (closed_) return;  // the caller has gone already
  if (!live_->Add(shared_from_this())) return Close(Busy("too many streams are open; try again later"));
  // Before the gate: who has no key shall not hold a place there.
  Run([this] { return uploader_.Greet(); }, [this](const absl::Status& greeted) { Enter(greeted); });
}

void UploadStream::Enter(const absl::Status& greeted) {
  if (closed_) return;
  if (!greeted.ok()) return Close(greeted);
  if (stopping_) return Close(Stopping());
  if (!gate_->Enter(this, [self = shared_from_this()] { self->Begin(); })) {
    Close(Busy(absl::StrCat("too many uploads are waiting; try again in a moment, with at most ",
                            UploadGate::kUploadsMax, " at once")));
  }
}

void UploadStream::Begin() {
  api_->streams->After(kUploadProgressEvery, [self = shared_from_this()] { self->CheckProgress(); });
  Read();
}

void UploadStream::Read() {
  if (!closed_) StartRead(&request_);
}

void UploadStream::OnReadDone(bool ok) {
  api_->streams->Post([self = shared_from_this(), ok] { self->OnRead(ok); });
}

void UploadStream::OnRead(bool ok) {
  if (closed_) return;
  // A caller that breaks off looks like one that has sent all until gRPC says more. What is stored then has a name of
  // its own, which nobody is told.
  if (!ok) return StoreFile();
  if (stopping_) return Close(Stopping());
  Run([this] { return uploader_.Take(request_); }, [this](const absl::Status& taken) { OnTaken(taken); });
}

void UploadStream::OnTaken(const absl::Status& taken) {
  taken_bytes_ = uploader_.bytes();
  request_.Clear();
  if (!taken.ok()) return Close(taken);
  if (stopping_) return Close(Stopping());
  Read();
}

void UploadStream::StoreFile() {
  Run([this] { return uploader_.Finish(); }, [this](absl::StatusOr<v1::File> file) { OnStored(std::move(file)); });
}

void UploadStream::OnStored(absl::StatusOr<v1::File> stored) {
  if (closed_) return;
  if (stored.ok()) *response_ = *std::move(stored);
  Close(stored.status());
}

template <class Work, class Then>
void UploadStream::Run(Work work, Then then) {
  busy_ = true;
  const bool posted = api_->imports->Post([self = shared_from_this(), work, then] {
    EventThread* const streams = self->api_->streams;
    streams->Post([self, then, result = work()]() mutable {
      self->busy_ = false;
      then(std::move(result));
    });
  });
  if (posted) return;
  busy_ = false;
  Close(Busy("too many imports are waiting; try again later"));
}

void UploadStream::CheckProgress() {
  if (closed_) return;
  if (!busy_ && taken_bytes_ < seen_bytes_ + kUploadProgressBytesMin) {
    return Close(ApiError(absl::StatusCode::kDeadlineExceeded, "TOO_SLOW",
                          absl::StrCat("less than ", kUploadProgressBytesMin / 1024, " KB came in ",
                                       absl::ToInt64Seconds(kUploadProgressEvery),
                                       " seconds, and others wait; upload again over a better line")));
  }
  seen_bytes_ = taken_bytes_;
  api_->streams->After(kUploadProgressEvery, [self = shared_from_this()] { self->CheckProgress(); });
}

void UploadStream::OnCancel() {
  api_->streams->Post([self = shared_from_this()] { self->Close(absl::CancelledError("the caller went away")); });
}

void UploadStream::OnShutdown() {
  stopping_ = true;
  if (!busy_) Close(Stopping());
}

void UploadStream::Close(const absl::Status& status) {
  if (closed_) return;
  closed_ = true;
  gate_->Leave(this);
  Finish(ToGrpc(status));
}

void UploadStream::OnDone() {
  api_->streams->Post([self = shared_from_this()] {
    self->live_->Remove(self);
    self->self_.reset();
  });
}

}  // namespace wavepost
