#include "coordinator/dispatch/batch_loader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/recipient_id.h"
#include "common/base/status_macros.h"
#include "common/mail/address.h"
#include "coordinator/keys/key_sets.h"
#include "coordinator/names/content_record.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {

absl::StatusOr<const BatchLoader::WaveInfo*> BatchLoader::InfoOf(uint32_t wave, absl::Time now) {
  const auto found = waves_.find(wave);
  // Before anything is read: what changes meanwhile is read again.
  const int64_t generation = store_->KeysGeneration();
  if (found != waves_.end() && now - found->second.read < kFreshFor && found->second.keys_generation == generation) {
    return &found->second;
  }
  ASSIGN_OR_RETURN(const auto stored, store_->GetWaveByNumber(wave));
  ASSIGN_OR_RETURN(const auto campaign, store_->GetCampaign(stored.campaign()));
  WaveInfo info{.read = now,
                .keys_generation = generation,
                .return_path_domain = stored.return_path_domain(),
                .token_key_id = static_cast<uint8_t>(stored.token_key_id()),
                .campaign = stored.campaign(),
                .priority = stored.priority(),
                .after_order = stored.started_after_order()};
  if (info.return_path_domain.empty()) info.return_path_domain = options_.content.return_path_domain;
  cluster::v1::Content content =
      ContentOf(campaign, stored.wave().from_address(), stored.return_path_domain(), options_.content);
  ASSIGN_OR_RETURN(const Address from, ParseAddress(content.content().from_address()));
  ASSIGN_OR_RETURN(cluster::v1::KeySet keys, Keys(content.tenant(), from.domain));
  info.keys = std::make_shared<const cluster::v1::KeySet>(std::move(keys));
  ASSIGN_OR_RETURN(const auto owner, store_->GetTenant(content.tenant()));
  info.tenant_weight = owner.tenant().weight();
  ASSIGN_OR_RETURN(info.content, WithFiles(std::move(content)));
  if (!waves_.contains(wave) && waves_.size() >= kWavesMax) waves_.clear();
  return &(waves_[wave] = std::move(info));
}

absl::StatusOr<cluster::v1::KeySet> BatchLoader::Keys(std::string_view tenant, std::string_view domain) {
  return LoadKeySet(store_, *options_.sealer, tenant, domain);
}

// Files are large and the same for all waves of a campaign: they are read once and shared.
absl::StatusOr<std::shared_ptr<const cluster::v1::Content>> BatchLoader::WithFiles(cluster::v1::Content content) {
  if (content.content().attachments().empty()) {
    return std::make_shared<const cluster::v1::Content>(std::move(content));
  }
  const auto found = with_files_.find(content.content_id());
  if (found != with_files_.end()) return found->second;
  size_t bytes = 0;
  for (const v1::Attachment& attachment : content.content().attachments()) {
    absl::StatusOr<std::string> data = store_->ReadFile(attachment.file());
    if (!data.ok()) return Annotate(data.status(), absl::StrCat("attachment ", attachment.file()));
    bytes += data->size();
    content.add_files(*std::move(data));
  }
  if (file_bytes_ + bytes > kFileBytesMax) {
    with_files_.clear();
    waves_.clear();  // they hold on to them
    file_bytes_ = 0;
  }
  file_bytes_ += bytes;
  auto shared = std::make_shared<const cluster::v1::Content>(std::move(content));
  with_files_[shared->content_id()] = shared;
  return shared;
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
    recipient.set_return_path(ReturnPath(token, info->return_path_domain));
  }
  return LoadedBatch{std::move(batch), info->content, info->keys, info->after_order, info->keys_generation};
}

}  // namespace wavepost
