// Sending domains.
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

using Stored = cluster::v1::StoredSendingDomain;

absl::StatusOr<bool> TakeStored(std::string_view value, std::vector<Stored>* items) {
  ASSIGN_OR_RETURN(auto stored, Reader::ParseRecord<Stored>(value));
  items->push_back(std::move(stored));
  return true;
}

// Whether anything that signing depends on changed. Reading it anew for nothing costs little, missing a change much:
// all but the looks at the records counts.
bool KeysDiffer(Stored a, Stored b) {
  for (Stored* const stored : {&a, &b}) {
    stored->clear_next_check_time();
    stored->clear_pauses();
    stored->mutable_domain()->clear_checks();
    stored->mutable_domain()->clear_check_time();
    stored->mutable_domain()->clear_failed_checks();
  }
  return a.SerializeAsString() != b.SerializeAsString();
}

bool SendsFrom(const RunningWave& wave, std::string_view domain_name) {
  const size_t at = wave.from_address.rfind('@');
  if (at == std::string::npos) return false;
  return absl::StrCat(TenantOf(wave.campaign), "/sendingDomains/", wave.from_address.substr(at + 1)) == Av(domain_name);
}

}  // namespace

absl::StatusOr<v1::SendingDomain> RocksStore::CreateSendingDomain(std::string_view tenant, Stored domain,
                                                                  const RequestKey& request) {
  return Create<v1::SendingDomain>(tenant, request, [&](Change& change) -> absl::StatusOr<v1::SendingDomain> {
    const auto owner = change.read().Get(kNames, NameKey(NameKind::kTenant, tenant));
    if (absl::IsNotFound(owner.status())) return NoSuch("tenant", tenant);
    if (!owner.ok()) return owner.status();
    const std::string key = NameKey(NameKind::kDomain, domain.domain().name());
    const auto there = change.read().Get(kNames, key);
    if (there.ok()) return AlreadyThere("sending domain", domain.domain().name());
    if (!absl::IsNotFound(there.status())) return there.status();
    int domains = 0;
    const std::string prefix = NameKey(NameKind::kDomain, absl::StrCat(Av(tenant), "/"));
    RETURN_IF_ERROR(change.read().Scan(kNames, prefix, PrefixEnd(prefix), [&](std::string_view, std::string_view) {
      ++domains;
      return true;
    }));
    if (domains >= kDomainsOfTenantMax) {
      return ApiError(
          absl::StatusCode::kResourceExhausted, "TOO_MANY_SENDING_DOMAINS",
          absl::StrCat("the tenant has ", domains, " sending domains already; delete one that is not used"));
    }
    *domain.mutable_domain()->mutable_create_time() = ToProtoTime(change.now());
    change.Put(kNames, key, domain);
    change.TouchKeys();
    return domain.domain();
  });
}

absl::StatusOr<Stored> RocksStore::GetSendingDomain(std::string_view name) {
  auto stored = Durable().GetMessage<Stored>(kNames, NameKey(NameKind::kDomain, name));
  if (absl::IsNotFound(stored.status())) return NoSuch("sending domain", name);
  return stored;
}

absl::StatusOr<Page<Stored>> RocksStore::ListSendingDomains(std::string_view tenant, int page_size,
                                                            std::string_view cursor) {
  return List<Stored>(kNames, NameKey(NameKind::kDomain, absl::StrCat(Av(tenant), "/")), page_size, cursor, TakeStored);
}

absl::StatusOr<Page<Stored>> RocksStore::ListAllSendingDomains(int page_size, std::string_view cursor) {
  return List<Stored>(kNames, NameKey(NameKind::kDomain, ""), page_size, cursor, TakeStored);
}

absl::StatusOr<Stored> RocksStore::ChangeSendingDomain(std::string_view name, const DomainChange& change_domain,
                                                       const RequestKey& request) {
  Stored result;
  const Decide decide = [&](Change& change) -> absl::Status {
    const std::string key = NameKey(NameKind::kDomain, name);
    auto stored = change.read().GetMessage<Stored>(kNames, key);
    if (absl::IsNotFound(stored.status())) return NoSuch("sending domain", name);
    RETURN_IF_ERROR(stored.status());
    result = *stored;
    ASSIGN_OR_RETURN(const auto answered, change.Answered(name, request));
    if (answered.has_value()) return absl::OkStatus();
    std::vector<v1::Event> events;
    RETURN_IF_ERROR(change_domain(&result, &events));
    result.DiscardUnknownFields();  // earlier versions kept a private key there, in the clear
    result.mutable_domain()->set_name(stored->domain().name());
    *result.mutable_domain()->mutable_create_time() = stored->domain().create_time();
    change.Put(kNames, key, result);
    if (KeysDiffer(*stored, result)) change.TouchKeys();
    for (const v1::Event& event : events) change.AddEvent(EventOf(TenantOf(name), event));
    change.RememberAnswer(name, request, v1::SendingDomain());
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(Write(decide));
  return result;
}

absl::Status RocksStore::DeleteSendingDomain(std::string_view name) {
  return Write([&](Change& change) -> absl::Status {
    const std::string key = NameKey(NameKind::kDomain, name);
    const auto there = change.read().Get(kNames, key);
    if (absl::IsNotFound(there.status())) return NoSuch("sending domain", name);
    RETURN_IF_ERROR(there.status());
    for (const auto& [number, wave] : change.state().running) {
      if (!SendsFrom(wave, name)) continue;
      return ApiError(absl::StatusCode::kFailedPrecondition, "DOMAIN_IN_USE",
                      absl::StrCat("a wave of '", wave.campaign, "' is running and its mail leaves from ",
                                   wave.from_address, "; wait until it is completed, or drop what is left of it"),
                      {{"resource", std::string(name)}, {"campaign", wave.campaign}});
    }
    change.Delete(kNames, key);
    change.TouchKeys();
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<std::string>> RocksStore::CampaignsSendingFrom(std::string_view domain_name) {
  Running running;
  {
    std::lock_guard lock(published_mutex_);
    running = running_;
  }
  std::set<std::string> campaigns;
  for (const RunningWave& wave : *running) {
    if (SendsFrom(wave, domain_name)) campaigns.insert(wave.campaign);
  }
  return std::vector<std::string>(campaigns.begin(), campaigns.end());
}

int64_t RocksStore::KeysGeneration() {
  return keys_generation_;
}

}  // namespace wavepost
