#include "coordinator/domains/certificate_watch.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

constexpr std::array kSteps = {0, 1, 3, 7, 14, 30};
constexpr int kPageSize = 1000;
constexpr size_t kNameBytesMax = 200;

int64_t WholeDays(absl::Duration left) {
  return absl::ToInt64Hours(absl::Ceil(left, absl::Hours(24))) / 24;
}

}  // namespace

std::optional<int> DaysLeftStep(absl::Time not_after, absl::Time now) {
  for (const int step : kSteps) {
    if (not_after - now <= step * absl::Hours(24)) return step;
  }
  return std::nullopt;
}

std::string ExpiryText(const v1::Certificate& certificate, absl::Time now) {
  const absl::Time end = FromProtoTime(certificate.not_after());
  const std::string date = absl::FormatTime("%Y-%m-%d %H:%M UTC", end, absl::UTCTimeZone());
  const std::string which = absl::StrCat("the S/MIME certificate for ",
                                         Printable(absl::StrJoin(certificate.addresses(), ", "), kNameBytesMax),
                                         " (issued by ", Printable(certificate.issuer(), kNameBytesMax), ")");
  if (end <= now) {
    return absl::StrCat(which, " ended on ", date,
                        ": waves that are to be signed with it do not start; bring its successor with 'wavepost "
                        "certificates add'");
  }
  const int64_t days = WholeDays(end - now);
  return absl::StrCat(which, " ends on ", date, ", in ", days, days == 1 ? " day" : " days",
                      ": bring its successor with 'wavepost certificates add' before that");
}

absl::Status WarnOfCertificates(Store* store, absl::Time now) {
  std::string tenants_cursor;
  do {
    ASSIGN_OR_RETURN(const auto tenants, store->ListTenants(kPageSize, tenants_cursor));
    for (const v1::Tenant& tenant : tenants.items) {
      // At most Store::kCertificatesMax: one page.
      ASSIGN_OR_RETURN(const auto page, store->ListCertificates(tenant.name(), kPageSize, ""));
      for (const auto& stored : page.items) {
        const v1::Certificate& certificate = stored.certificate();
        const auto step = DaysLeftStep(FromProtoTime(certificate.not_after()), now);
        if (!step.has_value() || (*step != 0 && *step == stored.warned_days())) continue;
        const absl::Status warned = store->WarnCertificate(certificate.name(), *step, ExpiryText(certificate, now));
        if (!warned.ok() && !absl::IsNotFound(warned)) return warned;  // deleted meanwhile
      }
    }
    tenants_cursor = tenants.next;
  } while (!tenants_cursor.empty());
  return absl::OkStatus();
}

}  // namespace wavepost
