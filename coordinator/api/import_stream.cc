#include "coordinator/api/import_stream.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/rpc/status.h"
#include "coordinator/api/request.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {
namespace {

absl::Status Stopping() {
  return ApiError(absl::StatusCode::kUnavailable, "STOPPING",
                  "the coordinator is stopping; what it acknowledged is stored, send the rest again in a moment");
}

}  // namespace

Importer::Importer(const ApiContext* api, std::optional<std::string> authorization)
    : api_(api), authorization_(std::move(authorization)) {}

absl::Status Importer::Open(const std::string& parent) {
  ASSIGN_OR_RETURN(const Caller caller, api_->auth->Check(authorization_));
  ASSIGN_OR_RETURN(const WaveName name,
                   ParseName<WaveName>(caller, "parent", "tenants/{tenant}/campaigns/{campaign}/waves/{wave}", parent));
  const auto wave = api_->store->GetWave(parent);
  if (!wave.ok()) return HideNotFound(wave.status(), parent);
  const auto campaign = api_->store->GetCampaign(name.CampaignString());
  if (!campaign.ok()) return HideNotFound(campaign.status(), name.CampaignString());
  ASSIGN_OR_RETURN(rules_, RowRules::For(*campaign, api_->content));
  wave_ = parent;
  return absl::OkStatus();
}

absl::StatusOr<v1::ImportRecipientsResponse> Importer::Import(v1::ImportRecipientsRequest chunk) {
  if (wave_.empty()) RETURN_IF_ERROR(Open(chunk.parent()));
  if (!chunk.parent().empty() && chunk.parent() != wave_) {
    return BadFields("BAD_NAME", {{"parent", "must be the same in all chunks of a stream, or empty"}});
  }
  if (chunk.recipients_size() > kChunkRecipientsMax) {
    return BadFields("CHUNK_TOO_LARGE",
                     {{"recipients", absl::StrCat("has ", chunk.recipients_size(), " rows; send at most ",
                                                  kChunkRecipientsMax, " in a chunk")}});
  }
  if (chunk.ByteSizeLong() > kChunkBytesMax) {
    return BadFields("CHUNK_TOO_LARGE", {{"recipients", absl::StrCat("the chunk has ", chunk.ByteSizeLong(),
                                                                     " bytes; send at "
                                                                     "most ",
                                                                     kChunkBytesMax, ", in more chunks")}});
  }
  RETURN_IF_ERROR(CheckRequestId(chunk.request_id()));

  std::vector<NewRecipient> rows(static_cast<size_t>(chunk.recipients_size()));
  std::vector<v1::ImportRecipientsResponse::Refusal> refusals;
  size_t kept = 0;
  for (int i = 0; i < chunk.recipients_size(); ++i) {
    auto refusal = CheckRow(rules_, chunk.first_position() + i, chunk.mutable_recipients(i), &rows[kept]);
    if (!refusal.has_value()) {
      ++kept;
      continue;
    }
    rows[kept].recipient.Clear();  // a refused row may have filled in a part
    refusals.push_back(*std::move(refusal));
  }
  rows.resize(kept);
  RequestKey key;
  if (!chunk.request_id().empty()) {
    key = {ScopedRequestId("ImportRecipients", wave_, chunk.request_id()),
           ChunkHash(chunk.first_position(), rows, refusals)};
  }
  auto response = api_->store->ImportChunk(wave_, std::move(rows), std::move(refusals), key);
  if (!response.ok()) return HideNotFound(response.status(), wave_);
  response->set_request_id(chunk.request_id());
  return response;
}

ImportStream::ImportStream(const ApiContext* api, LiveStreams* live, std::shared_ptr<Stream> stream,
                           std::optional<std::string> authorization)
    : api_(api), live_(live), stream_(std::move(stream)), importer_(api, std::move(authorization)) {}

void ImportStream::Start() {
  if (!live_->Add(shared_from_this())) {
    return stream_->Close(
        ApiError(absl::StatusCode::kResourceExhausted, "BUSY", "too many streams are open; try again later"));
  }
  stream_->on_message = [self = shared_from_this()](v1::ImportRecipientsRequest chunk) {
    self->OnChunk(std::move(chunk));
  };
  stream_->on_reads_done = [self = shared_from_this()] { self->stream_->Close(absl::OkStatus()); };
  stream_->on_done = [self = shared_from_this()] { self->live_->Remove(self); };
  stream_->Read();
}

void ImportStream::OnChunk(v1::ImportRecipientsRequest chunk) {
  if (stopping_) return stream_->Close(Stopping());
  busy_ = true;
  // Moved through a shared pointer: std::function wants copyable captures, and a chunk must not be copied.
  auto moved = std::make_shared<v1::ImportRecipientsRequest>(std::move(chunk));
  const bool posted = api_->imports->Post([self = shared_from_this(), moved = std::move(moved)]() mutable {
    auto result =
        std::make_shared<absl::StatusOr<v1::ImportRecipientsResponse>>(self->importer_.Import(std::move(*moved)));
    EventThread* const streams = self->api_->streams;
    streams->Post([self = std::move(self), result = std::move(result)] { self->OnStored(std::move(*result)); });
  });
  if (!posted) {
    busy_ = false;
    stream_->Close(
        ApiError(absl::StatusCode::kResourceExhausted, "BUSY", "too many imports are waiting; try again later"));
  }
}

void ImportStream::OnStored(absl::StatusOr<v1::ImportRecipientsResponse> result) {
  busy_ = false;
  if (!result.ok()) return stream_->Close(result.status());
  stream_->Write(*std::move(result));
  if (stopping_) return EndAfterAnswer();
  stream_->Read();
}

void ImportStream::OnShutdown() {
  stopping_ = true;
  if (!busy_) EndAfterAnswer();
}

void ImportStream::EndAfterAnswer() {
  if (stream_->queued() == 0) return stream_->Close(Stopping());
  stream_->on_written = [self = shared_from_this()] { self->stream_->Close(Stopping()); };
}

}  // namespace wavepost
