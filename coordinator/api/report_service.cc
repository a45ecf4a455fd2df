// ReportService: what DMARC and TLS reports say about a domain.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/reports_service.grpc.pb.h"

namespace wavepost {
namespace {

constexpr int kDaysDefault = 30;
constexpr std::string_view kPattern = "tenants/{tenant}/sendingDomains/{domain}, or domains/{domain}";
constexpr std::string_view kDomains = "domains/";

absl::StatusOr<int> CheckedDays(int32_t days) {
  if (days == 0) return kDaysDefault;
  if (days < 0 || days > Store::kAggregateDays) {
    return BadFields(
        "BAD_DAYS",
        {{"days", absl::StrCat("must be 1 to ", Store::kAggregateDays, ", or 0 for ", kDaysDefault, "; is ", days)}});
  }
  return days;
}

class ReportService final : public v1::ReportService::CallbackService {
 public:
  explicit ReportService(const ApiContext* api) : api_(api) {}

  grpc::ServerUnaryReactor* ListDmarcSources(grpc::CallbackServerContext* context,
                                             const v1::ListDmarcSourcesRequest* request,
                                             v1::ListDmarcSourcesResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Sources(caller, *request); });
  }

  grpc::ServerUnaryReactor* ListTlsResults(grpc::CallbackServerContext* context,
                                           const v1::ListTlsResultsRequest* request,
                                           v1::ListTlsResultsResponse* response) override {
    return Call(api_, context, response,
                [this, request](const Caller& caller) -> absl::StatusOr<v1::ListTlsResultsResponse> {
                  ASSIGN_OR_RETURN(const std::string domain, DomainOf(caller, request->parent()));
                  ASSIGN_OR_RETURN(const int days, CheckedDays(request->days()));
                  return api_->store->TlsResults(domain, days);
                });
  }

  grpc::ServerUnaryReactor* ListAggregateReports(grpc::CallbackServerContext* context,
                                                 const v1::ListAggregateReportsRequest* request,
                                                 v1::ListAggregateReportsResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return Reports(caller, *request); });
  }

 private:
  // The domain of the parent, if the caller may know of it. A tenant's domain must have been verified once, and not be
  // somebody else's since: merely naming a domain shows nobody what others' mail of that name does.
  absl::StatusOr<std::string> DomainOf(const Caller& caller, const std::string& parent) const {
    if (std::string_view(parent).substr(0, kDomains.size()) == kDomains) {
      if (!caller.is_operator) return NoSuchResource(parent);
      auto domain = ParseDomain(std::string_view(parent).substr(kDomains.size()));
      if (!domain.ok()) {
        return BadFields("BAD_NAME",
                         {{"parent", absl::StrCat("must be ", Av(kPattern), ": ", domain.status().message())}});
      }
      return domain;
    }
    ASSIGN_OR_RETURN(const SendingDomainName name, ParseName<SendingDomainName>(caller, "parent", kPattern, parent));
    const auto stored = api_->store->GetSendingDomain(name.ToString());
    if (!stored.ok()) return HideNotFound(stored.status(), parent);
    if (stored->domain().state() == v1::SendingDomain::UNVERIFIED) {
      return ApiError(absl::StatusCode::kFailedPrecondition, "DOMAIN_NOT_VERIFIED",
                      absl::StrCat(name.domain,
                                   " is not verified yet, and reports are kept from then on: publish its "
                                   "records (wavepost domains show ",
                                   name.domain, "), then wavepost domains verify ", name.domain),
                      {{"domain", name.domain}});
    }
    if (stored->domain().state() == v1::SendingDomain::LOST) {
      ASSIGN_OR_RETURN(const bool elsewhere, api_->store->VerifiedElsewhere(name.ToString()));
      if (elsewhere) {
        return ApiError(absl::StatusCode::kFailedPrecondition, "DOMAIN_NOT_VERIFIED",
                        absl::StrCat(name.domain,
                                     " lost its records, and others have verified it since, so its reports are theirs: "
                                     "if it is yours, publish its records again (wavepost domains show ",
                                     name.domain, "), then wavepost domains verify ", name.domain),
                        {{"domain", name.domain}});
      }
    }
    return name.domain;
  }

  absl::StatusOr<v1::ListDmarcSourcesResponse> Sources(const Caller& caller,
                                                       const v1::ListDmarcSourcesRequest& request) const {
    ASSIGN_OR_RETURN(const std::string domain, DomainOf(caller, request.parent()));
    ASSIGN_OR_RETURN(const int days, CheckedDays(request.days()));
    ASSIGN_OR_RETURN(const int size, CheckedPageSize(request.page_size()));
    const std::string listing = absl::StrCat("DMARC sources of ", request.parent(), " in ", days, " days");
    ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request.page_token()));
    // The cursor is how many have been told. A report that comes in between may show one of them again.
    int64_t from = 0;
    if (!cursor.empty() && (!absl::SimpleAtoi(cursor, &from) || from < 0)) from = 0;
    ASSIGN_OR_RETURN(std::vector<v1::DmarcSource> sources, api_->store->DmarcSources(domain, days));
    v1::ListDmarcSourcesResponse out;
    const int64_t count = static_cast<int64_t>(sources.size());
    const int64_t until = std::min<int64_t>(count, from + size);
    for (int64_t i = 0; i < count; ++i) {
      v1::DmarcSource& source = sources[static_cast<size_t>(i)];
      out.set_messages(out.messages() + source.messages());
      out.set_passed(out.passed() + source.passed());
      if (i >= from && i < until) *out.add_sources() = std::move(source);
    }
    if (until < count) out.set_next_page_token(PageToken(listing, absl::StrCat(until)));
    return out;
  }

  absl::StatusOr<v1::ListAggregateReportsResponse> Reports(const Caller& caller,
                                                           const v1::ListAggregateReportsRequest& request) const {
    ASSIGN_OR_RETURN(const std::string domain, DomainOf(caller, request.parent()));
    ASSIGN_OR_RETURN(const int size, CheckedPageSize(request.page_size()));
    const std::string listing = absl::StrCat("aggregate reports of ", request.parent());
    ASSIGN_OR_RETURN(const std::string cursor, PageCursor(listing, request.page_token()));
    ASSIGN_OR_RETURN(auto page, api_->store->AggregateReports(domain, size, cursor));
    v1::ListAggregateReportsResponse out;
    for (v1::AggregateReport& report : page.items) *out.add_reports() = std::move(report);
    out.set_next_page_token(PageToken(listing, page.next));
    return out;
  }

  const ApiContext* const api_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeReportService(const ApiContext* api) {
  return std::make_unique<ReportService>(api);
}

}  // namespace wavepost
