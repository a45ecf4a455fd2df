// S/MIME certificates with their sealed keys.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

using Stored = cluster::v1::StoredCertificate;

// warned_days of a certificate whose end has been told: 0 there means that nothing has.
constexpr int kToldThatItEnded = -1;

std::string CertificatePrefix(std::string_view tenant) {
  return NameKey(NameKind::kCertificate, absl::StrCat(Av(tenant), "/"));
}

}  // namespace

absl::StatusOr<v1::Certificate> RocksStore::CreateCertificate(std::string_view tenant, Stored certificate) {
  const Decide decide = [&](Change& change) -> absl::Status {
    const auto owner = change.read().Get(kNames, NameKey(NameKind::kTenant, tenant));
    if (absl::IsNotFound(owner.status())) return NoSuch("tenant", tenant);
    RETURN_IF_ERROR(owner.status());
    const std::string& name = certificate.certificate().name();
    const std::string key = NameKey(NameKind::kCertificate, name);
    const auto there = change.read().Get(kNames, key);
    if (there.ok()) return AlreadyThere("certificate", name);
    if (!absl::IsNotFound(there.status())) return there.status();
    int certificates = 0;
    size_t bytes = certificate.ByteSizeLong();
    const std::string prefix = CertificatePrefix(tenant);
    RETURN_IF_ERROR(change.read().Scan(kNames, prefix, PrefixEnd(prefix), [&](std::string_view, std::string_view row) {
      ++certificates;
      bytes += row.size();
      return true;
    }));
    if (bytes > kCertificateBytesMax) {
      return ApiError(absl::StatusCode::kResourceExhausted, "CERTIFICATES_TOO_LARGE",
                      absl::StrCat("the tenant's certificates and chains have ", bytes, " bytes together; at most ",
                                   kCertificateBytesMax,
                                   " fit: delete one that has ended, or leave out of the file "
                                   "what is not part of the chain"));
    }
    if (certificates >= kCertificatesMax) {
      return ApiError(
          absl::StatusCode::kResourceExhausted, "TOO_MANY_CERTIFICATES",
          absl::StrCat("the tenant has ", certificates, " certificates already; delete one that has ended"));
    }
    *certificate.mutable_certificate()->mutable_create_time() = ToProtoTime(change.now());
    change.Put(kNames, key, certificate);
    change.TouchKeys();
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(Write(decide));
  return std::move(*certificate.mutable_certificate());
}

absl::StatusOr<Stored> RocksStore::GetCertificate(std::string_view name) {
  auto stored = Durable().GetMessage<Stored>(kNames, NameKey(NameKind::kCertificate, name));
  if (absl::IsNotFound(stored.status())) return NoSuch("certificate", name);
  return stored;
}

absl::StatusOr<Page<Stored>> RocksStore::ListCertificates(std::string_view tenant, int page_size,
                                                          std::string_view cursor) {
  return List<Stored>(kNames, CertificatePrefix(tenant), page_size, cursor,
                      [](std::string_view value, std::vector<Stored>* items) -> absl::StatusOr<bool> {
                        ASSIGN_OR_RETURN(auto stored, Reader::ParseRecord<Stored>(value));
                        items->push_back(std::move(stored));
                        return true;
                      });
}

absl::Status RocksStore::WarnCertificate(std::string_view name, int days_left, std::string_view text) {
  return Write([&](Change& change) -> absl::Status {
    const std::string key = NameKey(NameKind::kCertificate, name);
    auto stored = change.read().GetMessage<Stored>(kNames, key);
    if (absl::IsNotFound(stored.status())) return NoSuch("certificate", name);
    RETURN_IF_ERROR(stored.status());
    const int step = days_left <= 0 ? kToldThatItEnded : days_left;
    if (stored->warned_days() != 0 && stored->warned_days() <= step) return absl::OkStatus();
    stored->set_warned_days(step);
    change.Put(kNames, key, *stored);
    v1::Event event;
    event.set_kind(v1::Event::CERTIFICATE_EXPIRES);
    event.set_text(std::string(text));
    change.AddEvent(EventOf(TenantOf(name), event));
    return absl::OkStatus();
  });
}

absl::Status RocksStore::DeleteCertificate(std::string_view name) {
  return Write([&](Change& change) -> absl::Status {
    const std::string key = NameKey(NameKind::kCertificate, name);
    const auto there = change.read().GetMessage<Stored>(kNames, key);
    if (absl::IsNotFound(there.status())) return NoSuch("certificate", name);
    RETURN_IF_ERROR(there.status());
    for (const auto& [number, wave] : change.state().running) {
      const auto& addresses = there->certificate().addresses();
      if (TenantOf(wave.campaign) != TenantOf(name) ||
          std::find(addresses.begin(), addresses.end(), wave.from_address) == addresses.end()) {
        continue;
      }
      ASSIGN_OR_RETURN(const auto campaign, change.read().GetMessage<cluster::v1::StoredCampaign>(
                                                kNames, NameKey(NameKind::kCampaign, wave.campaign)));
      if (!campaign.campaign().content().smime()) continue;
      return ApiError(absl::StatusCode::kFailedPrecondition, "CERTIFICATE_IN_USE",
                      absl::StrCat("a wave of '", wave.campaign, "' is running and its mail is signed for ",
                                   wave.from_address, "; wait until it is completed, or drop what is left of it"),
                      {{"resource", std::string(name)}, {"campaign", wave.campaign}});
    }
    change.Delete(kNames, key);
    change.TouchKeys();
    return absl::OkStatus();
  });
}

}  // namespace wavepost
