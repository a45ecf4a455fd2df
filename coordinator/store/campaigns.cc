// Campaigns.
#include <map>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {
namespace {

// One reference more for each file that the campaign's mail carries.
absl::Status CountFiles(Change& change, const v1::Campaign& campaign) {
  std::map<std::string, cluster::v1::StoredFile> files;  // each is counted once
  for (int i = 0; i < campaign.content().attachments_size(); ++i) {
    const std::string& name = campaign.content().attachments(i).file();
    if (files.contains(name)) continue;
    auto stored = change.read().GetMessage<cluster::v1::StoredFile>(kNames, NameKey(NameKind::kFile, name));
    if (absl::IsNotFound(stored.status()) || (stored.ok() && TenantOf(name) != TenantOf(campaign.name()))) {
      const std::string field = absl::StrCat("campaign.content.attachments[", i, "].file");
      // Not kNotFound: that would be taken for the campaign's parent.
      return ApiError(absl::StatusCode::kFailedPrecondition, "FILE_NOT_FOUND",
                      absl::StrCat(field, ": there is no file '", Printable(name, 300),
                                   "'; upload it first, then create the campaign"),
                      {{"field", field}, {"resource", Printable(name, 300)}});
    }
    RETURN_IF_ERROR(stored.status());
    stored->mutable_file()->set_campaigns(stored->file().campaigns() + 1);
    files[name] = *std::move(stored);
  }
  for (const auto& [name, stored] : files) change.Put(kNames, NameKey(NameKind::kFile, name), stored);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Campaign> RocksStore::CreateCampaign(cluster::v1::StoredCampaign campaign,
                                                        const RequestKey& request) {
  const std::string name = campaign.campaign().name();
  const std::string tenant = TenantOf(name);
  return Create<v1::Campaign>(tenant, request, [&](Change& change) -> absl::StatusOr<v1::Campaign> {
    const auto owner = change.read().Get(kNames, NameKey(NameKind::kTenant, tenant));
    if (absl::IsNotFound(owner.status())) return NoSuch("tenant", tenant);
    if (!owner.ok()) return owner.status();
    const std::string key = NameKey(NameKind::kCampaign, name);
    const auto there = change.read().Get(kNames, key);
    if (there.ok()) return AlreadyThere("campaign", name);
    if (!absl::IsNotFound(there.status())) return there.status();
    RETURN_IF_ERROR(CountFiles(change, campaign.campaign()));
    *campaign.mutable_campaign()->mutable_create_time() = ToProtoTime(change.now());
    change.Put(kNames, key, campaign);
    return campaign.campaign();
  });
}

absl::StatusOr<cluster::v1::StoredCampaign> RocksStore::GetCampaign(std::string_view name) {
  auto stored = Durable().GetMessage<cluster::v1::StoredCampaign>(kNames, NameKey(NameKind::kCampaign, name));
  if (absl::IsNotFound(stored.status())) return NoSuch("campaign", name);
  return stored;
}

absl::StatusOr<Page<v1::Campaign>> RocksStore::ListCampaigns(std::string_view tenant, int page_size,
                                                             std::string_view cursor) {
  return List<v1::Campaign>(kNames, NameKey(NameKind::kCampaign, absl::StrCat(Av(tenant), "/")), page_size, cursor,
                            [](std::string_view value, std::vector<v1::Campaign>* items) -> absl::StatusOr<bool> {
                              ASSIGN_OR_RETURN(auto stored, Reader::ParseRecord<cluster::v1::StoredCampaign>(value));
                              items->push_back(std::move(*stored.mutable_campaign()));
                              return true;
                            });
}

}  // namespace wavepost
