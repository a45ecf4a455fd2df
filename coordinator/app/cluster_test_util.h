// For tests: a coordinator in a temporary folder, clients for it, and a node that does what the test says.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/app/coordinator_app.h"
#include "wavepost/cluster/v1/bounce_feed_service.grpc.pb.h"
#include "wavepost/cluster/v1/dispatch_service.grpc.pb.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"
#include "wavepost/v1/domains_service.grpc.pb.h"
#include "wavepost/v1/events_service.grpc.pb.h"
#include "wavepost/v1/nodes_service.grpc.pb.h"
#include "wavepost/v1/suppressions_service.grpc.pb.h"
#include "wavepost/v1/tenants_service.grpc.pb.h"

namespace wavepost {

// A call with a deadline and, if given, a key.
std::unique_ptr<grpc::ClientContext> NewCall(const std::string& key = "");

// What a failed call says, with its details.
absl::Status CheckCall(const grpc::Status& status);

class ClusterTest : public testing::Test {
 protected:
  ClusterTest();
  ~ClusterTest() override;

  // Changes the configuration of the next start; set by the test that wants to.
  std::function<void(CoordinatorConfig*)> configure_;
  // Starts the coordinator on the test's folder, which survives a Restart.
  void StartCoordinator(std::vector<std::string> operator_keys = {});
  void StopCoordinator();

  // Creates campaign "c" with wave "w" of the tenant "default"; columns name and plan, the templates need name.
  std::string MakeWave(const std::string& tenant = "tenants/default", const std::string& key = "");
  // Imports rows as one chunk.
  absl::StatusOr<v1::ImportRecipientsResponse> Import(const v1::ImportRecipientsRequest& chunk,
                                                      const std::string& key = "");
  // One recipient with a good name.
  static void AddRow(v1::ImportRecipientsRequest* chunk, const std::string& address);
  absl::StatusOr<v1::Wave> StartWave(const std::string& wave);
  v1::Wave GetWave(const std::string& wave);
  absl::StatusOr<v1::AuditWaveResponse> Audit(const std::string& wave);

  std::string dir_;
  std::unique_ptr<CoordinatorApp> app_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::TenantService::Stub> tenants_;
  std::unique_ptr<v1::SendingDomainService::Stub> domains_;
  std::unique_ptr<v1::CampaignService::Stub> campaigns_;
  std::unique_ptr<v1::EventService::Stub> events_;
  std::unique_ptr<v1::SuppressionService::Stub> suppressions_;
  std::unique_ptr<v1::NodeService::Stub> nodes_;
};

// The node's end of a Dispatch stream, one blocking call at a time.
class FakeNode {
 public:
  FakeNode(const std::shared_ptr<grpc::Channel>& channel, const std::string& node_id,
           std::vector<std::string> addresses, int64_t credit, int64_t suppression_cursor = 0);
  ~FakeNode();

  // The next message that is no lease renewal; nothing when the stream has ended.
  std::optional<cluster::v1::CoordinatorMessage> Next();
  // Reads until `wanted` is true for a message, which comes back; the others wait for Next and later calls. Fails the
  // test when the stream ends first.
  cluster::v1::CoordinatorMessage Until(const std::function<bool(const cluster::v1::CoordinatorMessage&)>& wanted);
  cluster::v1::Batch NextBatch();

  void Ack(const cluster::v1::Batch& batch);
  void Status(int64_t credit, int64_t queued = 0);
  // Reports one outcome for each recipient.
  void Report(const std::vector<uint64_t>& recipients, v1::Outcome outcome, v1::BounceClass bounce_class = {});
  void Write(const cluster::v1::NodeMessage& message) { stream_->Write(message); }

  // Breaks off without a word.
  void Vanish();
  // Ends the stream from this side; what the coordinator says to it.
  absl::Status Finish();

  int64_t next_sequence = 1;

 private:
  std::optional<cluster::v1::CoordinatorMessage> Read();

  grpc::ClientContext context_;
  std::deque<cluster::v1::CoordinatorMessage> passed_over_;
  std::unique_ptr<cluster::v1::DispatchService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<cluster::v1::NodeMessage, cluster::v1::CoordinatorMessage>> stream_;
  bool finished_ = false;
};

}  // namespace wavepost
