// QueueService: pauses, flushes and drops; why a mail waits; live dialogue; when a wave will be through.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/queue_check.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/api/trace_stream.h"
#include "coordinator/api/wave_estimate.h"
#include "coordinator/base/log.h"
#include "coordinator/dispatch/node_asker.h"
#include "coordinator/dispatch/node_registry.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/queue_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr int kPathsMax = 100;
constexpr absl::Duration kExplainTimeout = absl::Seconds(5);
constexpr absl::Duration kForecastTimeout = absl::Seconds(20);
constexpr absl::Duration kTraceMax = absl::Minutes(10);
constexpr std::string_view kWavePattern = "tenants/{tenant}/campaigns/{campaign}/waves/{wave}";

template <class Response>
using Finish = std::function<void(absl::StatusOr<Response>)>;

absl::Status Busy() {
  return ApiError(absl::StatusCode::kResourceExhausted, "BUSY",
                  "the coordinator has too many calls waiting; try again in a second");
}

absl::Status NoNode() {
  return ApiError(absl::StatusCode::kNotFound, "NO_NODE",
                  "no sender is attached that could answer; see 'wavepost nodes'");
}

class QueueService final : public v1::QueueService::CallbackService {
 public:
  QueueService(const ApiContext* api, LiveStreams* live) : api_(api), live_(live) {}

  grpc::ServerUnaryReactor* CreatePause(grpc::CallbackServerContext* context, const v1::CreatePauseRequest* request,
                                        v1::Pause* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Pause(caller, *request); });
  }

  grpc::ServerUnaryReactor* DeletePause(grpc::CallbackServerContext* context, const v1::DeletePauseRequest* request,
                                        v1::DeletePauseResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Resume(caller, *request); });
  }

  grpc::ServerUnaryReactor* ListPauses(grpc::CallbackServerContext* context, const v1::ListPausesRequest* request,
                                       v1::ListPausesResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return List(caller, *request); });
  }

  grpc::ServerUnaryReactor* Flush(grpc::CallbackServerContext* context, const v1::FlushRequest* request,
                                  v1::QueueOrder* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) {
      return Order(caller, "Flush", v1::QueueOrder::FLUSH, *request);
    });
  }

  grpc::ServerUnaryReactor* Drop(grpc::CallbackServerContext* context, const v1::DropRequest* request,
                                 v1::QueueOrder* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) {
      return Order(caller, "Drop", v1::QueueOrder::DROP, *request);
    });
  }

  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context, const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override {
    return Later<v1::ExplainResponse>(context, response,
                                      [this, request](const Caller& caller, Finish<v1::ExplainResponse> finish) {
                                        return AskExplanations(caller, *request, std::move(finish));
                                      });
  }

  grpc::ServerUnaryReactor* EstimateWave(grpc::CallbackServerContext* context, const v1::EstimateWaveRequest* request,
                                         v1::EstimateWaveResponse* response) override {
    return Later<v1::EstimateWaveResponse>(
        context, response, [this, request](const Caller& caller, Finish<v1::EstimateWaveResponse> finish) {
          return AskForecasts(caller, *request, std::move(finish));
        });
  }

  grpc::ServerWriteReactor<v1::TraceLine>* Trace(grpc::CallbackServerContext* context,
                                                 const v1::TraceRequest* request) override {
    auto stream = TraceStream::Stream::Create(api_->streams, context);
    const bool posted =
        api_->calls->Post([this, stream, request = *request, authorization = AuthorizationOf(*context)] {
          const absl::Status started = StartTrace(stream, request, authorization);
          if (!started.ok()) api_->streams->Post([stream, started] { stream->Close(started); });
        });
    if (!posted) api_->streams->Post([stream] { stream->Close(Busy()); });
    return stream.get();
  }

 private:
  // A unary call that is answered later: `begin` runs on the pool and either fails or sees to it that `finish` is
  // called once, from any thread.
  template <class Response>
  grpc::ServerUnaryReactor* Later(grpc::CallbackServerContext* context, Response* response,
                                  std::function<absl::Status(const Caller&, Finish<Response>)> begin) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    Finish<Response> finish = [reactor, response](absl::StatusOr<Response> result) {
      if (!result.ok()) return reactor->Finish(ToGrpc(result.status()));
      *response = *std::move(result);
      reactor->Finish(grpc::Status::OK);
    };
    const bool posted = api_->calls->Post([this, context, begin = std::move(begin), finish] {
      const absl::StatusOr<Caller> caller = api_->auth->Check(*context);
      const absl::Status begun = caller.ok() ? begin(*caller, finish) : caller.status();
      if (!begun.ok()) finish(begun);
    });
    if (!posted) finish(Busy());
    return reactor;
  }

  absl::Status CheckCampaignExists(const v1::QueueSelector& selector, std::string_view field) {
    if (selector.campaign().empty()) return absl::OkStatus();
    const absl::Status found = api_->store->GetCampaign(selector.campaign()).status();
    if (!absl::IsNotFound(found)) return found;
    return BadFields("BAD_SELECTOR", {{absl::StrCat(Av(field), ".campaign"), "does not exist"}});
  }

  absl::StatusOr<v1::Pause> Pause(const Caller& caller, const v1::CreatePauseRequest& request) {
    if (!request.has_pause()) return BadFields("BAD_PAUSE", {{"pause", "is required"}});
    v1::Pause pause;
    ASSIGN_OR_RETURN(*pause.mutable_selector(), CheckSelector(caller, "pause.selector", request.pause().selector()));
    RETURN_IF_ERROR(CheckReason("pause.reason", request.pause().reason()));
    ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf("CreatePause", CreatorOf(caller), request));
    if (request.pause().has_end_time()) {
      RETURN_IF_ERROR(CheckEndTime("pause.end_time", request.pause().end_time(), api_->clock->Now()));
      *pause.mutable_end_time() = request.pause().end_time();
    }
    RETURN_IF_ERROR(CheckCampaignExists(pause.selector(), "pause.selector"));
    pause.set_reason(request.pause().reason());
    pause.set_creator(CreatorOf(caller));
    ASSIGN_OR_RETURN(v1::Pause created, api_->store->CreatePause(std::move(pause), CreatorOf(caller), key));
    LogInfo("paused", {{"pause", created.name()},
                       {"creator", created.creator()},
                       {"selector", created.selector().ShortDebugString()},
                       {"reason", created.reason()}});
    return created;
  }

  absl::StatusOr<v1::DeletePauseResponse> Resume(const Caller& caller, const v1::DeletePauseRequest& request) {
    const auto pause = api_->store->GetPause(request.name());
    if (!pause.ok()) return HideNotFound(pause.status(), Printable(request.name(), 200));
    if (!caller.is_operator && pause->creator() != caller.tenant) return NoSuchResource(request.name());
    const absl::Status ended = api_->store->EndPause(request.name());
    if (!ended.ok()) return HideNotFound(ended, request.name());
    LogInfo("resumed", {{"pause", request.name()}, {"by", CreatorOf(caller)}});
    return v1::DeletePauseResponse();
  }

  absl::StatusOr<v1::ListPausesResponse> List(const Caller& caller, const v1::ListPausesRequest& request) {
    const std::string listing = absl::StrCat("pauses of ", CreatorOf(caller));
    ASSIGN_OR_RETURN(const int size, CheckedPageSize(request.page_size()));
    ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request.page_token()));
    ASSIGN_OR_RETURN(auto page, api_->store->ListPauses(caller.is_operator ? "" : caller.tenant, size, cursor));
    v1::ListPausesResponse out;
    for (v1::Pause& pause : page.items) *out.add_pauses() = std::move(pause);
    out.set_next_page_token(PageToken(listing, page.next));
    return out;
  }

  // Request is FlushRequest or DropRequest.
  template <class Request>
  absl::StatusOr<v1::QueueOrder> Order(const Caller& caller, std::string_view method, v1::QueueOrder::Kind kind,
                                       const Request& request) {
    v1::QueueOrder order;
    ASSIGN_OR_RETURN(*order.mutable_selector(), CheckSelector(caller, "selector", request.selector()));
    RETURN_IF_ERROR(CheckReason("reason", request.reason()));
    RETURN_IF_ERROR(CheckCampaignExists(order.selector(), "selector"));
    ASSIGN_OR_RETURN(const RequestKey key, RequestKeyOf(method, CreatorOf(caller), request));
    order.set_kind(kind);
    order.set_reason(request.reason());
    order.set_creator(CreatorOf(caller));
    ASSIGN_OR_RETURN(v1::QueueOrder created, api_->store->CreateOrder(std::move(order), CreatorOf(caller), key));
    LogInfo("queue_order", {{"order", created.name()},
                            {"kind", v1::QueueOrder::Kind_Name(kind)},
                            {"creator", created.creator()},
                            {"selector", created.selector().ShortDebugString()},
                            {"reason", created.reason()}});
    return created;
  }

  bool IsAttached(const std::string& node_id) const {
    const auto seen = api_->nodes->Get(node_id);
    return seen.has_value() && seen->attached;
  }

  absl::Status AskExplanations(const Caller& caller, const v1::ExplainRequest& request,
                               Finish<v1::ExplainResponse> finish) {
    ASSIGN_OR_RETURN(const std::string address, CheckAddressOrDomain(request.address()));
    if (!request.pool().empty() && !IsResourceId(request.pool())) {
      return BadFields("BAD_POOL", {{"pool", std::string(kResourceIdRule)}});
    }
    ASSIGN_OR_RETURN(const auto nodes, api_->store->ListNodes());
    std::map<std::string, cluster::v1::Question> questions;
    bool anybody = false;
    for (const auto& node : nodes) {
      const bool in_pool =
          request.pool().empty() || std::any_of(node.egress_ips().begin(), node.egress_ips().end(),
                                                [&](const v1::EgressIp& ip) { return ip.pool() == request.pool(); });
      if (!in_pool) continue;
      cluster::v1::Question& question = questions[node.node_id()];
      if (!caller.is_operator) question.set_tenant(caller.tenant);
      v1::ExplainRequest& ask = *question.mutable_explain();
      ask.set_address(address);
      ask.set_pool(request.pool());
      anybody = anybody || IsAttached(node.node_id());
    }
    if (!anybody) return NoNode();
    api_->asker->Ask(std::move(questions), kExplainTimeout, [this, caller, finish](NodeAnswers answers) {
      const bool posted = api_->calls->Post(
          [this, caller, finish, answers = std::move(answers)] { finish(JoinExplanations(caller, answers)); });
      if (!posted) finish(Busy());
    });
    return absl::OkStatus();
  }

  absl::StatusOr<v1::ExplainResponse> JoinExplanations(const Caller& caller, const NodeAnswers& answers) {
    std::map<uint32_t, std::optional<std::string>> tenants;
    const auto tenant_of_wave = [&](uint32_t number) {
      const auto [known, is_new] = tenants.try_emplace(number);
      if (!is_new) return known->second;
      const auto wave = api_->store->GetWaveByNumber(number);
      if (wave.ok()) known->second = TenantPartOf(wave->campaign());
      return known->second;
    };
    v1::ExplainResponse out;
    bool anybody = false;
    for (const std::string& node : answers.silent) out.add_silent_nodes(NodeName(node));
    for (const auto& [node, answer] : answers.answers) {
      if (!answer.has_explanation()) {
        out.add_silent_nodes(NodeName(node));
        continue;
      }
      anybody = true;
      for (const v1::PathExplanation& path : answer.explanation().paths()) {
        if (out.paths_size() == kPathsMax) break;
        v1::PathExplanation& added = *out.add_paths();
        added = path;
        added.set_node(NodeName(node));
        HideForeign(caller, tenant_of_wave, &added);
      }
    }
    if (anybody) return out;
    return ApiError(absl::StatusCode::kUnavailable, "NO_ANSWER", "no sender answered in time; try again in a moment");
  }

  absl::Status AskForecasts(const Caller& caller, const v1::EstimateWaveRequest& request,
                            Finish<v1::EstimateWaveResponse> finish) {
    ASSIGN_OR_RETURN(const WaveName name, ParseName<WaveName>(caller, "name", kWavePattern, request.name()));
    auto read = ReadOpenWave(api_->store, name.ToString(), api_->clock->Now());
    if (!read.ok()) return HideNotFound(read.status(), request.name());
    auto wave = std::make_shared<const OpenWave>(*std::move(read));
    api_->asker->Ask(wave->loads.Questions(wave->open), kForecastTimeout,
                     [this, wave, finish = std::move(finish)](const NodeAnswers& answers) {
                       finish(JoinForecasts(*wave, answers, api_->clock->Now()));
                     });
    return absl::OkStatus();
  }

  absl::Status StartTrace(const std::shared_ptr<TraceStream::Stream>& stream, const v1::TraceRequest& request,
                          const std::optional<std::string>& authorization) {
    ASSIGN_OR_RETURN(const Caller caller, api_->auth->Check(authorization));
    RETURN_IF_ERROR(RequireOperator(caller));
    v1::TraceRequest checked;
    const absl::StatusOr<std::string> domain = ParseDomain(request.domain());
    if (!domain.ok()) return BadFields("BAD_DOMAIN", {{"domain", std::string(domain.status().message())}});
    checked.set_domain(*domain);
    absl::Duration length = kTraceMax;
    if (request.has_duration()) {
      length = absl::Seconds(request.duration().seconds()) + absl::Nanoseconds(request.duration().nanos());
      if (length <= absl::ZeroDuration() || length > kTraceMax) {
        return BadFields("BAD_DURATION", {{"duration", "must be more than 0 and at most 10 minutes"}});
      }
    }
    checked.mutable_duration()->set_seconds(absl::ToInt64Seconds(absl::Ceil(length, absl::Seconds(1))));
    ASSIGN_OR_RETURN(const auto nodes, api_->store->ListNodes());
    std::vector<std::string> attached;
    for (const auto& node : nodes) {
      if (IsAttached(node.node_id())) attached.push_back(node.node_id());
    }
    if (attached.empty()) return NoNode();
    auto trace = std::make_shared<TraceStream>(api_, live_, stream);
    api_->streams->Post([trace, attached, checked, length] { trace->Start(attached, checked, length); });
    return absl::OkStatus();
  }

  const ApiContext* const api_;
  LiveStreams* const live_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeQueueService(const ApiContext* api, LiveStreams* live) {
  return std::make_unique<QueueService>(api, live);
}

}  // namespace wavepost
