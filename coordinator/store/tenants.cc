// Tenants and their API keys.
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

constexpr int kApiKeysMax = 100;  // per tenant

}  // namespace

absl::StatusOr<v1::Tenant> RocksStore::CreateTenant(v1::Tenant tenant, const RequestKey& request) {
  return Create<v1::Tenant>("", request, [&](Change& change) -> absl::StatusOr<v1::Tenant> {
    const std::string key = NameKey(NameKind::kTenant, tenant.name());
    const auto there = change.read().Get(kNames, key);
    if (there.ok()) return AlreadyThere("tenant", tenant.name());
    if (!absl::IsNotFound(there.status())) return there.status();
    *tenant.mutable_create_time() = ToProtoTime(change.now());
    cluster::v1::StoredTenant stored;
    *stored.mutable_tenant() = tenant;
    change.Put(kNames, key, stored);
    return tenant;
  });
}

absl::StatusOr<cluster::v1::StoredTenant> RocksStore::GetTenant(std::string_view name) {
  auto stored = Durable().GetMessage<cluster::v1::StoredTenant>(kNames, NameKey(NameKind::kTenant, name));
  if (absl::IsNotFound(stored.status())) return NoSuch("tenant", name);
  return stored;
}

absl::StatusOr<Page<v1::Tenant>> RocksStore::ListTenants(int page_size, std::string_view cursor) {
  return List<v1::Tenant>(kNames, NameKey(NameKind::kTenant, ""), page_size, cursor,
                          [](std::string_view value, std::vector<v1::Tenant>* items) -> absl::StatusOr<bool> {
                            ASSIGN_OR_RETURN(auto stored, Reader::ParseRecord<cluster::v1::StoredTenant>(value));
                            items->push_back(std::move(*stored.mutable_tenant()));
                            return true;
                          });
}

absl::Status RocksStore::AddApiKey(std::string_view tenant, const cluster::v1::StoredApiKey& key) {
  return Write([&](Change& change) -> absl::Status {
    const std::string row = NameKey(NameKind::kTenant, tenant);
    auto stored = change.read().GetMessage<cluster::v1::StoredTenant>(kNames, row);
    if (absl::IsNotFound(stored.status())) return NoSuch("tenant", tenant);
    if (!stored.ok()) return stored.status();
    for (const auto& had : stored->api_keys()) {
      if (had.name() != key.name()) continue;
      if (had.secret_sha256() == key.secret_sha256()) return absl::OkStatus();
      return AlreadyThere("key", key.name());
    }
    if (stored->api_keys_size() >= kApiKeysMax) {
      return ApiError(absl::StatusCode::kResourceExhausted, "TOO_MANY_API_KEYS",
                      absl::StrCat("the tenant has ", kApiKeysMax, " keys already"));
    }
    const std::string secret_row = NameKey(NameKind::kApiKey, key.secret_sha256());
    const auto taken = change.read().Get(kNames, secret_row);
    if (taken.ok()) return AlreadyThere("key", key.name());
    if (!absl::IsNotFound(taken.status())) return taken.status();
    cluster::v1::StoredApiKey* added = stored->add_api_keys();
    *added = key;
    if (!added->has_create_time()) *added->mutable_create_time() = ToProtoTime(change.now());
    change.Put(kNames, row, *stored);
    change.Put(kNames, secret_row, tenant);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::string> RocksStore::TenantOfKey(std::string_view secret_sha256) {
  auto tenant = Durable().Get(kNames, NameKey(NameKind::kApiKey, secret_sha256));
  if (absl::IsNotFound(tenant.status())) return absl::NotFoundError("no tenant has this key");
  return tenant;
}

absl::StatusOr<v1::Tenant> RocksStore::UpdateTenant(std::string_view name,
                                                    const std::function<absl::Status(v1::Tenant*)>& change_tenant) {
  v1::Tenant result;
  const Decide decide = [&](Change& change) -> absl::Status {
    const std::string row = NameKey(NameKind::kTenant, name);
    auto stored = change.read().GetMessage<cluster::v1::StoredTenant>(kNames, row);
    if (absl::IsNotFound(stored.status())) return NoSuch("tenant", name);
    RETURN_IF_ERROR(stored.status());
    result = stored->tenant();
    RETURN_IF_ERROR(change_tenant(&result));
    result.set_name(stored->tenant().name());
    *result.mutable_create_time() = stored->tenant().create_time();
    *stored->mutable_tenant() = result;
    change.Put(kNames, row, *stored);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(Write(decide));
  return result;
}

}  // namespace wavepost
