// A small true coordinator for the command line's tests: keeps campaigns, waves and recipients in memory, on a free
// port.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "cli/fake_content_server.h"
#include "common/rpc/server.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"
#include "wavepost/v1/events_service.pb.h"
#include "wavepost/v1/queue_service.pb.h"

namespace wavepost::cli {

// The answer for what does not exist.
grpc::Status FakeNotFound(const std::string& name);

class FakeServer final : public v1::CampaignService::Service {
 public:
  FakeServer();
  ~FakeServer() override;

  std::string address() const;  // "127.0.0.1:PORT"

  // Knobs; set them while no call is under way.
  int break_import_after = -1;       // chunks of one stream, once; the last of them is stored, its acknowledgement lost
  bool lie_about_delivered = false;  // the recount says one more than there are
  std::string required_key;          // empty: none

  struct WaveState {
    v1::Wave wave;
    std::vector<v1::Recipient> recipients;
    std::set<std::string> addresses;
    std::map<std::string, v1::ImportRecipientsResponse> chunks;  // by request id
  };
  std::map<std::string, v1::Campaign> campaigns;
  std::map<std::string, std::string> campaign_requests;  // request id -> name
  std::map<std::string, WaveState> waves;
  int import_streams = 0;
  std::vector<v1::Event> events;
  std::vector<v1::Pause> pauses;
  std::vector<v1::QueueOrder> orders;
  v1::ExplainResponse explanation;
  std::vector<v1::TraceLine> trace;
  v1::EstimateWaveResponse estimate;
  std::vector<std::string> warnings;  // of every campaign
  std::string started_from;           // From address of every wave that starts
  v1::RenderMessageResponse rendered;
  v1::RenderMessageRequest render_request;  // the last one
  FakeContent content;

  grpc::Status CreateCampaign(grpc::ServerContext*, const v1::CreateCampaignRequest*, v1::Campaign*) override;
  grpc::Status GetCampaign(grpc::ServerContext*, const v1::GetCampaignRequest*, v1::Campaign*) override;
  grpc::Status CreateWave(grpc::ServerContext*, const v1::CreateWaveRequest*, v1::Wave*) override;
  grpc::Status ListWaves(grpc::ServerContext*, const v1::ListWavesRequest*, v1::ListWavesResponse*) override;
  grpc::Status ImportRecipients(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::ImportRecipientsResponse, v1::ImportRecipientsRequest>* stream) override;
  grpc::Status StartWave(grpc::ServerContext*, const v1::StartWaveRequest*, v1::Wave*) override;
  // Delivers a quarter of the wave per update.
  grpc::Status WatchWave(grpc::ServerContext*, const v1::WatchWaveRequest*, grpc::ServerWriter<v1::Wave>*) override;
  grpc::Status ListRecipients(grpc::ServerContext*, const v1::ListRecipientsRequest*,
                              v1::ListRecipientsResponse*) override;
  grpc::Status GetRecipient(grpc::ServerContext*, const v1::GetRecipientRequest*, v1::Recipient*) override;
  grpc::Status AuditWave(grpc::ServerContext*, const v1::AuditWaveRequest*, v1::AuditWaveResponse*) override;

  grpc::Status RenderMessage(grpc::ServerContext*, const v1::RenderMessageRequest*,
                             v1::RenderMessageResponse*) override;

 private:
  grpc::Status Authorize(const grpc::ServerContext& context) const;
  void AddQueueServices();
  void AddContentServices();

  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::mutex mutex_;
  RpcServer server_;
};

}  // namespace wavepost::cli
