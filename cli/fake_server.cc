#include "cli/fake_server.h"

#include <grpcpp/server.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/books.h"
#include "common/base/check.h"
#include "common/rpc/status.h"

namespace wavepost::cli {

grpc::Status FakeNotFound(const std::string& name) {
  return ToGrpc(ApiError(absl::StatusCode::kNotFound, "NOT_FOUND", absl::StrCat(name, ": not found")));
}

FakeServer::FakeServer() {
  AddQueueServices();
  AddContentServices();
  std::vector<grpc::Service*> all = {this};
  for (const auto& service : services_) all.push_back(service.get());
  auto server = StartRpcServer("127.0.0.1:0", TlsFiles(), all);
  WP_CHECK(server.ok());
  server_ = *std::move(server);
}

FakeServer::~FakeServer() {
  server_.server->Shutdown(std::chrono::system_clock::time_point());
}

std::string FakeServer::address() const {
  return absl::StrCat("127.0.0.1:", server_.port);
}

grpc::Status FakeServer::Authorize(const grpc::ServerContext& context) const {
  if (required_key.empty()) return grpc::Status::OK;
  const auto it = context.client_metadata().find("authorization");
  if (it != context.client_metadata().end() && it->second == "Bearer " + required_key) return grpc::Status::OK;
  return ToGrpc(ApiError(absl::StatusCode::kUnauthenticated, "NO_KEY", "an API key is required"));
}

grpc::Status FakeServer::CreateCampaign(grpc::ServerContext* context, const v1::CreateCampaignRequest* request,
                                        v1::Campaign* out) {
  if (const grpc::Status status = Authorize(*context); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (request->campaign().content().html().find("{{unknown}}") != std::string::npos) {
    return ToGrpc(BadFields("UNKNOWN_VARIABLE", {{"campaign.content.html", "line 1: {{unknown}} is no column"}}));
  }
  if (const auto it = campaign_requests.find(request->request_id()); it != campaign_requests.end()) {
    *out = campaigns[it->second];
    return grpc::Status::OK;
  }
  const std::string id = request->campaign_id().empty() ? "made" : request->campaign_id();
  const std::string name = absl::StrCat(request->parent(), "/campaigns/", id);
  if (campaigns.contains(name)) {
    return ToGrpc(ApiError(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS", name + ": exists with another content"));
  }
  *out = request->campaign();
  out->set_name(name);
  for (const std::string& warning : warnings) out->add_warnings(warning);
  campaigns[name] = *out;
  campaign_requests[request->request_id()] = name;
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetCampaign(grpc::ServerContext*, const v1::GetCampaignRequest* request, v1::Campaign* out) {
  const std::lock_guard lock(mutex_);
  if (!campaigns.contains(request->name())) return FakeNotFound(request->name());
  *out = campaigns[request->name()];
  return grpc::Status::OK;
}

grpc::Status FakeServer::CreateWave(grpc::ServerContext*, const v1::CreateWaveRequest* request, v1::Wave* out) {
  const std::lock_guard lock(mutex_);
  const std::string name = absl::StrCat(request->parent(), "/waves/", request->wave_id());
  WaveState& state = waves[name];
  state.wave.set_name(name);
  if (state.wave.state() == v1::Wave::STATE_UNSPECIFIED) state.wave.set_state(v1::Wave::DRAFT);
  *out = state.wave;
  return grpc::Status::OK;
}

grpc::Status FakeServer::ListWaves(grpc::ServerContext*, const v1::ListWavesRequest* request,
                                   v1::ListWavesResponse* out) {
  const std::lock_guard lock(mutex_);
  if (!campaigns.contains(request->parent())) return FakeNotFound(request->parent());
  for (const auto& [name, state] : waves) {
    if (absl::StartsWith(name, request->parent() + "/")) *out->add_waves() = state.wave;
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::ImportRecipients(
    grpc::ServerContext*, grpc::ServerReaderWriter<v1::ImportRecipientsResponse, v1::ImportRecipientsRequest>* stream) {
  ++import_streams;
  v1::ImportRecipientsRequest chunk;
  int chunks = 0;
  while (stream->Read(&chunk)) {
    const std::lock_guard lock(mutex_);
    WaveState& state = waves[chunk.parent()];
    v1::ImportRecipientsResponse response;
    if (state.chunks.contains(chunk.request_id())) {
      response = state.chunks[chunk.request_id()];
    } else {
      response.set_request_id(chunk.request_id());
      int64_t position = chunk.first_position();
      for (const v1::Recipient& recipient : chunk.recipients()) {
        const bool good = absl::StrContains(recipient.address(), "@");
        if (good && state.addresses.insert(recipient.address()).second) {
          state.recipients.push_back(recipient);
          state.recipients.back().set_name(
              absl::StrCat(state.wave.name(), "/recipients/w1-", state.recipients.size() - 1));
          response.set_accepted(response.accepted() + 1);
        } else {
          auto& refusal = *response.add_refusals();
          refusal.set_position(position);
          refusal.set_address(recipient.address());
          refusal.set_reason(good ? "DUPLICATE" : "MALFORMED_ADDRESS");
          refusal.set_description(good ? "stands in this wave already" : "has no @");
        }
        ++position;
      }
      v1::WaveCounts& counts = *state.wave.mutable_counts();
      counts.set_accepted(counts.accepted() + response.accepted());
      counts.set_open(counts.open() + response.accepted());
      counts.set_refused(counts.refused() + response.refusals_size());
      state.chunks[chunk.request_id()] = response;
    }
    if (++chunks == break_import_after) {
      break_import_after = -1;
      return {grpc::StatusCode::UNAVAILABLE, "connection reset"};
    }
    stream->Write(response);
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::StartWave(grpc::ServerContext*, const v1::StartWaveRequest* request, v1::Wave* out) {
  const std::lock_guard lock(mutex_);
  if (!waves.contains(request->name())) return FakeNotFound(request->name());
  v1::Wave& wave = waves[request->name()].wave;
  if (wave.state() == v1::Wave::DRAFT) wave.set_state(v1::Wave::RUNNING);
  wave.set_from_address(started_from);
  *out = wave;
  return grpc::Status::OK;
}

grpc::Status FakeServer::WatchWave(grpc::ServerContext*, const v1::WatchWaveRequest* request,
                                   grpc::ServerWriter<v1::Wave>* writer) {
  const std::lock_guard lock(mutex_);
  if (!waves.contains(request->name())) return FakeNotFound(request->name());
  WaveState& state = waves[request->name()];
  v1::WaveCounts& counts = *state.wave.mutable_counts();
  writer->Write(state.wave);
  for (size_t i = 0; i < state.recipients.size(); ++i) {
    if (state.recipients[i].outcome() != v1::OUTCOME_UNSPECIFIED) continue;
    state.recipients[i].set_outcome(v1::DELIVERED);
    counts.set_delivered(counts.delivered() + 1);
    counts.set_open(counts.open() - 1);
    if (i % 4 == 0) writer->Write(state.wave);
  }
  state.wave.set_state(v1::Wave::COMPLETED);
  writer->Write(state.wave);
  return grpc::Status::OK;
}

grpc::Status FakeServer::ListRecipients(grpc::ServerContext*, const v1::ListRecipientsRequest* request,
                                        v1::ListRecipientsResponse* out) {
  const std::lock_guard lock(mutex_);
  if (!waves.contains(request->parent())) return FakeNotFound(request->parent());
  // Small pages, whatever was asked: a page may be shorter.
  const size_t first = request->page_token().empty() ? 0 : std::stoul(request->page_token());
  const auto& recipients = waves[request->parent()].recipients;
  for (size_t i = first; i < std::min(first + 3, recipients.size()); ++i) {
    bool wanted = request->outcomes().empty();
    for (int outcome : request->outcomes()) wanted = wanted || outcome == recipients[i].outcome();
    if (wanted) *out->add_recipients() = recipients[i];
  }
  if (first + 3 < recipients.size()) out->set_next_page_token(std::to_string(first + 3));
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetRecipient(grpc::ServerContext*, const v1::GetRecipientRequest* request,
                                      v1::Recipient* out) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, state] : waves) {
    for (const v1::Recipient& recipient : state.recipients) {
      if (recipient.name() != request->name()) continue;
      *out = recipient;
      return grpc::Status::OK;
    }
  }
  return FakeNotFound(request->name());
}

grpc::Status FakeServer::AuditWave(grpc::ServerContext*, const v1::AuditWaveRequest* request,
                                   v1::AuditWaveResponse* out) {
  const std::lock_guard lock(mutex_);
  const WaveState& state = waves[request->name()];
  *out->mutable_counters() = state.wave.counts();
  for (const v1::Recipient& recipient : state.recipients) CountRecipient(recipient, out->mutable_recounted());
  out->mutable_recounted()->set_refused(state.wave.counts().refused());
  out->set_balanced(true);
  if (lie_about_delivered) {
    out->mutable_recounted()->set_delivered(out->recounted().delivered() + 1);
    out->set_balanced(false);
    out->add_findings("delivered: one too many");
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::RenderMessage(grpc::ServerContext*, const v1::RenderMessageRequest* request,
                                       v1::RenderMessageResponse* out) {
  const std::lock_guard lock(mutex_);
  render_request = *request;
  if (request->address() == "nobody@x.example") return FakeNotFound(request->address());
  *out = rendered;
  return grpc::Status::OK;
}

}  // namespace wavepost::cli
