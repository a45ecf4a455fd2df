#include "coordinator/app/cluster_test_util.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/rpc/auth.h"

namespace wavepost {
namespace {

constexpr std::chrono::seconds kCallDeadline{30};

}  // namespace

std::unique_ptr<grpc::ClientContext> NewCall(const std::string& key) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kCallDeadline);
  if (!key.empty()) context->AddMetadata("authorization", "Bearer " + key);
  return context;
}

absl::Status CheckCall(const grpc::Status& status) {
  return FromGrpc(status);
}

ClusterTest::ClusterTest() {
  std::string pattern = testing::TempDir() + "coordinator_XXXXXX";
  dir_ = mkdtemp(pattern.data());
}

ClusterTest::~ClusterTest() {
  StopCoordinator();
  std::filesystem::remove_all(dir_);
}

void ClusterTest::StartCoordinator(std::vector<std::string> operator_keys) {
  CoordinatorConfig config;
  config.listen = "127.0.0.1:0";
  config.data_dir = dir_ + "/books";
  config.memory_bytes = 16 << 20;
  config.return_path_domain = "bounce.example";
  config.message_id_domain = "bounce.example";
  config.domains.allow_unverified = true;  // tests that are about domains say otherwise
  config.dns_servers = {"127.0.0.1:9"};    // nobody answers there
  if (configure_) configure_(&config);
  for (const std::string& key : operator_keys) config.operator_key_sha256.push_back(Sha256(key));
  auto app = CoordinatorApp::Start(std::move(config));
  ASSERT_TRUE(app.ok()) << app.status();
  app_ = *std::move(app);
  channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", app_->port()), grpc::InsecureChannelCredentials());
  tenants_ = v1::TenantService::NewStub(channel_);
  domains_ = v1::SendingDomainService::NewStub(channel_);
  campaigns_ = v1::CampaignService::NewStub(channel_);
  events_ = v1::EventService::NewStub(channel_);
  suppressions_ = v1::SuppressionService::NewStub(channel_);
  nodes_ = v1::NodeService::NewStub(channel_);
}

void ClusterTest::StopCoordinator() {
  app_ = nullptr;
}

std::string ClusterTest::MakeWave(const std::string& tenant, const std::string& key) {
  v1::CreateCampaignRequest request;
  request.set_parent(tenant);
  request.set_campaign_id("c");
  auto& content = *request.mutable_campaign()->mutable_content();
  content.set_subject("A question, {{name}}");
  content.set_from_address("survey@example.com");
  content.set_html("<p>Hello {{name}}{{#plan}}, you have {{plan}}{{/plan}}</p>");
  for (const char* column : {"email", "name", "plan", "unused"}) request.mutable_campaign()->add_columns(column);
  v1::Campaign campaign;
  const absl::Status made = CheckCall(campaigns_->CreateCampaign(NewCall(key).get(), request, &campaign));
  EXPECT_TRUE(made.ok()) << made;
  v1::CreateWaveRequest wave_request;
  wave_request.set_parent(campaign.name());
  wave_request.set_wave_id("w");
  v1::Wave wave;
  const absl::Status waved = CheckCall(campaigns_->CreateWave(NewCall(key).get(), wave_request, &wave));
  EXPECT_TRUE(waved.ok()) << waved;
  return wave.name();
}

absl::StatusOr<v1::ImportRecipientsResponse> ClusterTest::Import(const v1::ImportRecipientsRequest& chunk,
                                                                 const std::string& key) {
  const auto context = NewCall(key);
  const auto stream = campaigns_->ImportRecipients(context.get());
  stream->Write(chunk);
  v1::ImportRecipientsResponse response;
  const bool got = stream->Read(&response);
  stream->WritesDone();
  absl::Status status = CheckCall(stream->Finish());
  if (!status.ok()) return status;
  if (!got) return absl::InternalError("no answer");
  return response;
}

void ClusterTest::AddRow(v1::ImportRecipientsRequest* chunk, const std::string& address) {
  v1::Recipient& row = *chunk->add_recipients();
  row.set_address(address);
  (*row.mutable_attributes())["name"] = "Jane";
  (*row.mutable_attributes())["unused"] = "not stored";
}

absl::StatusOr<v1::Wave> ClusterTest::StartWave(const std::string& wave) {
  v1::StartWaveRequest request;
  request.set_name(wave);
  v1::Wave response;
  absl::Status status = CheckCall(campaigns_->StartWave(NewCall().get(), request, &response));
  if (!status.ok()) return status;
  return response;
}

v1::Wave ClusterTest::GetWave(const std::string& wave) {
  v1::GetWaveRequest request;
  request.set_name(wave);
  v1::Wave response;
  const absl::Status status = CheckCall(campaigns_->GetWave(NewCall().get(), request, &response));
  EXPECT_TRUE(status.ok()) << status;
  return response;
}

absl::StatusOr<v1::AuditWaveResponse> ClusterTest::Audit(const std::string& wave) {
  v1::AuditWaveRequest request;
  request.set_name(wave);
  v1::AuditWaveResponse response;
  absl::Status status = CheckCall(campaigns_->AuditWave(NewCall().get(), request, &response));
  if (!status.ok()) return status;
  return response;
}

FakeNode::FakeNode(const std::shared_ptr<grpc::Channel>& channel, const std::string& node_id,
                   std::vector<std::string> addresses, int64_t credit, int64_t suppression_cursor)
    : stub_(cluster::v1::DispatchService::NewStub(channel)) {
  context_.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
  stream_ = stub_->Attach(&context_);
  cluster::v1::NodeMessage message;
  auto& hello = *message.mutable_hello();
  hello.set_node_id(node_id);
  for (const std::string& address : addresses) hello.add_egress_ips()->set_address(address);
  hello.set_suppression_cursor(suppression_cursor);
  hello.set_version("test");
  hello.mutable_status()->set_credit(credit);
  stream_->Write(message);
}

FakeNode::~FakeNode() {
  if (!finished_) Vanish();
}

std::optional<cluster::v1::CoordinatorMessage> FakeNode::Next() {
  if (!passed_over_.empty()) {
    cluster::v1::CoordinatorMessage message = std::move(passed_over_.front());
    passed_over_.pop_front();
    return message;
  }
  return Read();
}

std::optional<cluster::v1::CoordinatorMessage> FakeNode::Read() {
  cluster::v1::CoordinatorMessage message;
  while (stream_->Read(&message)) {
    if (!message.has_lease_renewal()) return message;
  }
  return std::nullopt;
}

cluster::v1::CoordinatorMessage FakeNode::Until(
    const std::function<bool(const cluster::v1::CoordinatorMessage&)>& wanted) {
  const auto found = std::find_if(passed_over_.begin(), passed_over_.end(), wanted);
  if (found != passed_over_.end()) {
    cluster::v1::CoordinatorMessage message = std::move(*found);
    passed_over_.erase(found);
    return message;
  }
  while (auto message = Read()) {
    if (wanted(*message)) return *std::move(message);
    passed_over_.push_back(*std::move(message));
  }
  ADD_FAILURE() << "the stream ended";
  return {};
}

cluster::v1::Batch FakeNode::NextBatch() {
  return Until([](const auto& message) { return message.has_batch(); }).batch();
}

void FakeNode::Ack(const cluster::v1::Batch& batch) {
  cluster::v1::NodeMessage message;
  message.mutable_batch_ack()->set_batch_id(batch.batch_id());
  stream_->Write(message);
}

void FakeNode::Status(int64_t credit, int64_t queued) {
  cluster::v1::NodeMessage message;
  message.mutable_status()->set_credit(credit);
  message.mutable_status()->set_queued(queued);
  stream_->Write(message);
}

void FakeNode::Report(const std::vector<uint64_t>& recipients, v1::Outcome outcome, v1::BounceClass bounce_class) {
  cluster::v1::NodeMessage message;
  for (const uint64_t recipient : recipients) {
    auto& report = *message.mutable_reports()->add_reports();
    report.set_sequence(next_sequence++);
    report.set_recipient_id(recipient);
    report.set_outcome(outcome);
    report.set_attempts(1);
    report.mutable_status()->set_code(outcome == v1::DELIVERED ? 250 : 550);
    report.mutable_status()->set_bounce_class(bounce_class);
    if (bounce_class == v1::HARD) {
      report.mutable_status()->set_reason(v1::USER_UNKNOWN);
      report.mutable_status()->set_fault(v1::RECIPIENT);
    }
  }
  stream_->Write(message);
}

void FakeNode::Vanish() {
  context_.TryCancel();
  finished_ = true;
  stream_->Finish();
}

absl::Status FakeNode::Finish() {
  finished_ = true;
  stream_->WritesDone();
  while (Read().has_value()) {
  }
  return CheckCall(stream_->Finish());
}

}  // namespace wavepost
