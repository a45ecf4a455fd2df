#include "coordinator/names/content_record.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/sha.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {
namespace {

bool HasHeader(const v1::Content& content, std::string_view name) {
  return std::any_of(content.headers().begin(), content.headers().end(),
                     [name](const v1::Header& header) { return EqualsIgnoreCase(header.name(), name); });
}

// Two spellings of one mailbox are the same address, so that no Reply-To repeats the From.
bool SameAddress(const std::string& a, std::string_view b) {
  const absl::StatusOr<Address> left = ParseAddress(a);
  const absl::StatusOr<Address> right = ParseAddress(b);
  if (!left.ok() || !right.ok()) return a == b;
  return left->ToString() == right->ToString();
}

bool OffersToUnsubscribe(const v1::Campaign& campaign) {
  if (HasHeader(campaign.content(), "List-Unsubscribe")) return false;
  switch (campaign.content().unsubscribe()) {
    case v1::UNSUBSCRIBE_YES:
      return true;
    case v1::UNSUBSCRIBE_NO:
      return false;
    default:
      return campaign.priority() != v1::URGENT;
  }
}

std::string FeedbackId(const v1::Campaign& campaign, const std::string& sender_id) {
  const std::optional<CampaignName> name = CampaignName::Parse(campaign.name());
  if (sender_id.empty() || !name.has_value() || HasHeader(campaign.content(), "Feedback-ID")) return "";
  return absl::StrCat(name->campaign, ":", name->tenant, ":", campaign.priority() == v1::URGENT ? "urgent" : "bulk",
                      ":", sender_id);
}

std::string HashOf(const cluster::v1::Content& content) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    content.SerializeToCodedStream(&coded);
  }
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

}  // namespace

cluster::v1::Content ContentOf(const cluster::v1::StoredCampaign& stored, std::string_view from_address,
                               std::string_view return_path_domain, const ContentOptions& options) {
  const v1::Campaign& campaign = stored.campaign();
  cluster::v1::Content out;
  v1::Content& content = *out.mutable_content();
  content = campaign.content();
  if (!from_address.empty() && !SameAddress(content.from_address(), from_address)) {
    if (content.reply_to().empty()) content.set_reply_to(content.from_address());
    content.set_from_address(std::string(from_address));
  }
  *out.mutable_columns() = stored.stored_columns();
  for (const std::string& column : stored.stored_columns()) {
    const auto& json = campaign.json_columns();
    if (std::find(json.begin(), json.end(), column) != json.end()) out.add_json_columns(column);
  }
  *out.mutable_max_age() = campaign.max_age();
  out.set_tenant(TenantPartOf(campaign.name()).value_or(""));
  out.set_campaign(campaign.name());
  out.set_message_id_domain(options.message_id_domain);
  if (OffersToUnsubscribe(campaign)) {
    out.set_unsubscribe_url(options.unsubscribe_url);
    out.set_unsubscribe_domain(return_path_domain.empty() ? options.return_path_domain
                                                          : std::string(return_path_domain));
  }
  out.set_feedback_id(FeedbackId(campaign, options.feedback_id));
  out.set_content_id(HashOf(out));
  return out;
}

}  // namespace wavepost
