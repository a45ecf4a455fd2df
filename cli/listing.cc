#include "cli/listing.h"

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "common/base/status_macros.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"

namespace wavepost::cli {

using Stub = v1::CampaignService::Stub;

constexpr int kRecipientsPerPage = 2000;
constexpr int kWavesPerPage = 1000;

absl::StatusOr<std::vector<v1::Wave>> ListWaves(const Cli& cli, const std::string& campaign) {
  const auto stub = v1::CampaignService::NewStub(cli.channel());
  v1::ListWavesRequest request;
  request.set_parent(campaign);
  request.set_page_size(kWavesPerPage);
  std::vector<v1::Wave> waves;
  do {
    ASSIGN_OR_RETURN(v1::ListWavesResponse page, Call(cli, *stub, &Stub::ListWaves, request));
    for (v1::Wave& wave : *page.mutable_waves()) waves.push_back(std::move(wave));
    if (waves.size() > kWavesMax) {
      return absl::ResourceExhaustedError(absl::StrCat(campaign, ": more than ", kWavesMax, " waves"));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return waves;
}

absl::Status ForEachRecipient(const Cli& cli, const std::string& wave, const std::vector<v1::Outcome>& outcomes,
                              const std::function<absl::Status(const v1::Recipient&)>& visit) {
  const auto stub = v1::CampaignService::NewStub(cli.channel());
  v1::ListRecipientsRequest request;
  request.set_parent(wave);
  request.set_page_size(kRecipientsPerPage);
  for (v1::Outcome outcome : outcomes) request.add_outcomes(outcome);
  do {
    ASSIGN_OR_RETURN(const v1::ListRecipientsResponse page, Call(cli, *stub, &Stub::ListRecipients, request));
    for (const v1::Recipient& recipient : page.recipients()) RETURN_IF_ERROR(visit(recipient));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

}  // namespace wavepost::cli
