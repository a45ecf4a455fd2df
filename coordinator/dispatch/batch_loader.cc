#include "coordinator/dispatch/batch_loader.h"

#include <utility>

#include "common/base/recipient_id.h"
#include "common/base/status_macros.h"
#include "common/mail/address.h"
#include "coordinator/names/content_record.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {

absl::StatusOr<const BatchLoader::WaveInfo*> BatchLoader::InfoOf(uint32_t wave, absl::Time now) {
  const auto found = waves_.find(wave);
  if (found != waves_.end() && now - found->second.read < kFreshFor) return &found->second;
  ASSIGN_OR_RETURN(const auto stored, store_->GetWaveByNumber(wave));
  ASSIGN_OR_RETURN(const auto campaign, store_->GetCampaign(stored.campaign()));
  WaveInfo info{.read = now,
                .token_key_id = static_cast<uint8_t>(stored.token_key_id()),
                .campaign = stored.campaign(),
                .priority = stored.priority(),
                .after_order = stored.started_after_order()};
  cluster::v1::Content content = ContentOf(campaign, options_.message_id_domain);
  const absl::StatusOr<Address> from = ParseAddress(content.content().from_address());
  const auto tenant = TenantName::Parse(content.tenant());
  if (from.ok() && tenant.has_value()) {
    const auto domain = store_->GetSendingDomain(SendingDomainName{tenant->tenant, from->domain}.ToString());
    if (domain.ok()) {
      cluster::v1::SigningKey key;
      key.set_domain(from->domain);
      key.set_selector(domain->domain().dkim_selector());
      key.set_private_key_pem(domain->private_key_pem());
      info.signing_key = std::make_shared<const cluster::v1::SigningKey>(std::move(key));
    } else if (!absl::IsNotFound(domain.status())) {
      return domain.status();  // mail that should be signed must not leave unsigned because of a read error
    }
  }
  if (tenant.has_value()) {
    ASSIGN_OR_RETURN(const auto owner, store_->GetTenant(content.tenant()));
    info.tenant_weight = owner.tenant().weight();
  }
  info.content = std::make_shared<const cluster::v1::Content>(std::move(content));
  if (found == waves_.end() && waves_.size() >= kWavesMax) waves_.clear();
  return &(waves_[wave] = std::move(info));
}

absl::StatusOr<LoadedBatch> BatchLoader::Load(const cluster::v1::PendingBatch& pending, absl::Time now) {
  ASSIGN_OR_RETURN(const WaveInfo* const info, InfoOf(pending.wave(), now));
  ASSIGN_OR_RETURN(cluster::v1::Batch batch, store_->ReadBatch(pending));
  batch.set_content_id(info->content->content_id());
  batch.set_campaign(info->campaign);
  batch.set_priority(info->priority);
  batch.set_tenant_weight(info->tenant_weight);
  batch.set_after_order(info->after_order);
  for (cluster::v1::BatchRecipient& recipient : *batch.mutable_recipients()) {
    const std::string token =
        MakeToken(*options_.token_keys, RecipientId::FromPacked(recipient.recipient_id()), info->token_key_id);
    recipient.set_return_path(ReturnPath(token, options_.return_path_domain));
  }
  return LoadedBatch{std::move(batch), info->content, info->signing_key, info->after_order};
}

}  // namespace wavepost
