// The services of the public API, one factory each. `api` and `live` must outlive what comes back.
#pragma once

#include <memory>

namespace grpc {
class Service;
}

namespace wavepost {

struct ApiContext;
class LiveStreams;

std::unique_ptr<grpc::Service> MakeTenantService(const ApiContext* api);
std::unique_ptr<grpc::Service> MakeSendingDomainService(const ApiContext* api);
std::unique_ptr<grpc::Service> MakeCampaignService(const ApiContext* api, LiveStreams* live);
std::unique_ptr<grpc::Service> MakeEventService(const ApiContext* api, LiveStreams* live);
std::unique_ptr<grpc::Service> MakeSuppressionService(const ApiContext* api);
std::unique_ptr<grpc::Service> MakeQueueService(const ApiContext* api, LiveStreams* live);
std::unique_ptr<grpc::Service> MakeNodeService(const ApiContext* api);
std::unique_ptr<grpc::Service> MakeFileService(const ApiContext* api, LiveStreams* live);
std::unique_ptr<grpc::Service> MakeCertificateService(const ApiContext* api);
std::unique_ptr<grpc::Service> MakeIdentityService(const ApiContext* api);
std::unique_ptr<grpc::Service> MakeReportService(const ApiContext* api);

}  // namespace wavepost
