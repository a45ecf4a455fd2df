#include "coordinator/api/render_message.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/template.h"
#include "common/mail/address.h"
#include "common/mail/outgoing.h"
#include "common/mail/verp.h"
#include "common/rpc/status.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/from_check.h"
#include "coordinator/api/request.h"
#include "coordinator/api/row_check.h"
#include "coordinator/keys/key_sets.h"
#include "coordinator/names/content_record.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {
namespace {

constexpr int kWavesPage = 500;
constexpr int kWavesMax = 10'000;  // looked through for an address

// Whose message, and in which wave.
struct Subject {
  std::optional<cluster::v1::StoredWave> wave;  // nothing: of no wave yet
  RecipientId id;                               // {0, 0}: a sample
  std::string address;
  std::vector<std::string> values;
};

absl::StatusOr<Subject> FromSample(const cluster::v1::StoredCampaign& campaign, const ContentOptions& options,
                                   v1::Recipient sample) {
  ASSIGN_OR_RETURN(const RowRules rules, RowRules::For(campaign, options));
  NewRecipient row;
  const auto refusal = CheckRow(rules, 0, &sample, &row);
  if (refusal.has_value()) {
    const bool of_address = refusal->reason() == "MALFORMED_ADDRESS";
    return BadFields(refusal->reason(),
                     {{of_address ? "sample.address" : "sample.attributes", refusal->description()}});
  }
  Subject out;
  out.address = row.recipient.address();
  out.values.assign(row.recipient.values().begin(), row.recipient.values().end());
  return out;
}

// The recipient of this wave; nothing if there is none with the address.
absl::StatusOr<std::optional<Subject>> FindIn(Store* store, const std::string& wave,
                                              const cluster::v1::StoredCampaign& campaign, const std::string& address) {
  const auto id = store->FindRecipient(wave, address);
  if (absl::IsNotFound(id.status())) return std::optional<Subject>();
  RETURN_IF_ERROR(id.status());
  ASSIGN_OR_RETURN(const v1::Recipient recipient, store->GetRecipient(*id));
  Subject out;
  ASSIGN_OR_RETURN(out.wave, store->GetWave(wave));
  out.id = *id;
  out.address = recipient.address();
  for (const std::string& column : campaign.stored_columns()) {
    const auto found = recipient.attributes().find(column);
    out.values.push_back(found == recipient.attributes().end() ? "" : found->second);
  }
  return std::optional<Subject>(std::move(out));
}

absl::StatusOr<std::vector<std::string>> WavesOf(Store* store, const std::string& campaign) {
  std::vector<std::string> waves;
  std::string cursor;
  do {
    ASSIGN_OR_RETURN(auto page, store->ListWaves(campaign, kWavesPage, cursor));
    for (v1::Wave& wave : page.items) waves.push_back(std::move(*wave.mutable_name()));
    cursor = std::move(page.next);
  } while (!cursor.empty() && waves.size() < kWavesMax);
  return waves;
}

// wave: empty: any of the campaign's.
absl::StatusOr<Subject> FindByAddress(Store* store, const cluster::v1::StoredCampaign& campaign,
                                      const std::string& wave, const std::string& text) {
  const absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return BadFields("BAD_ADDRESS", {{"address", std::string(address.status().message())}});
  const std::string normal = address->ToString();
  std::vector<std::string> waves = {wave};
  if (wave.empty()) {
    ASSIGN_OR_RETURN(waves, WavesOf(store, campaign.campaign().name()));
  }
  for (const std::string& name : waves) {
    ASSIGN_OR_RETURN(std::optional<Subject> found, FindIn(store, name, campaign, normal));
    if (found.has_value()) return *std::move(found);
  }
  const std::string& where = wave.empty() ? campaign.campaign().name() : wave;
  return ApiError(absl::StatusCode::kNotFound, "NOT_FOUND",
                  absl::StrCat("no recipient of ", where, " has the address ", normal,
                               "; import it, or give a sample with its attributes"),
                  {{"name", where}});
}

absl::StatusOr<cluster::v1::Content> WithFiles(Store* store, cluster::v1::Content content) {
  for (const v1::Attachment& attachment : content.content().attachments()) {
    ASSIGN_OR_RETURN(*content.add_files(), store->ReadFile(attachment.file()));
  }
  return content;
}

// Where the mail comes from, and where it comes back to.
struct From {
  std::string address;             // empty: the campaign's own
  std::string return_path_domain;  // empty: the configured one
  uint8_t token_key_id = 0;
  std::vector<std::string> warnings;
  absl::Status refusal;  // a wave would not start
};

// As it is on record once the wave has started; until then, what starting it now would use.
absl::StatusOr<From> FromOf(const ApiContext& api, const cluster::v1::StoredCampaign& campaign,
                            const std::optional<cluster::v1::StoredWave>& wave) {
  if (wave.has_value() && wave->wave().state() != v1::Wave::DRAFT) {
    From out{.address = wave->wave().from_address(),
             .return_path_domain = wave->return_path_domain(),
             .token_key_id = static_cast<uint8_t>(wave->token_key_id()),
             .warnings = {},
             .refusal = absl::OkStatus()};
    const std::string& own = campaign.campaign().content().from_address();
    if (!out.address.empty() && !EqualsIgnoreCase(out.address, own)) {
      out.warnings.push_back(absl::StrCat("the wave leaves from ", out.address, ": the domain of ", own,
                                          " was not verified when it started; answers go to the campaign's address"));
    }
    return out;
  }
  ASSIGN_OR_RETURN(FromChoice choice, LookUpFrom(api.store, api.domain_policy, api.clock->Now(), campaign.campaign()));
  return From{.address = std::move(choice.from_address),
              .return_path_domain = std::move(choice.return_path_domain),
              .token_key_id = static_cast<uint8_t>(api.token_key_id),
              .warnings = std::move(choice.warnings),
              .refusal = std::move(choice.refusal)};
}

// The HTML part alone, by the template that the message itself is made with.
absl::StatusOr<std::string> RenderHtml(const cluster::v1::Content& content, const std::vector<std::string>& values) {
  TemplateColumns columns{.names = {content.columns().begin(), content.columns().end()}, .json = {}};
  std::vector<TemplateValue> trees(values.size());
  for (size_t i = 0; i < columns.names.size(); ++i) {
    const auto& json = content.json_columns();
    columns.json.push_back(std::find(json.begin(), json.end(), columns.names[i]) != json.end());
    if (columns.json[i]) {
      ASSIGN_OR_RETURN(trees[i], ParseTemplateJson(values[i]));
    }
  }
  ASSIGN_OR_RETURN(const Template html,
                   Template::Compile("html", content.content().html(), columns, Template::Escape::kHtml));
  std::string out;
  RETURN_IF_ERROR(html.Render(TemplateRow{&values, &trees}, &out));
  return out;
}

// The words of common/mail as an error of the API.
absl::Status CannotRender(const absl::Status& status, const v1::Content& content) {
  if (absl::IsInvalidArgument(status) || absl::IsResourceExhausted(status)) {
    return ApiError(absl::StatusCode::kInvalidArgument, "CANNOT_RENDER", Sv(status.message()));
  }
  if (absl::IsFailedPrecondition(status) && content.smime()) {
    return ApiError(absl::StatusCode::kFailedPrecondition, "NO_CERTIFICATE", Sv(status.message()));
  }
  return status;
}

}  // namespace

absl::StatusOr<v1::RenderMessageResponse> RenderForPreview(const ApiContext& api, const Caller& caller,
                                                           const v1::RenderMessageRequest& request) {
  const std::optional<WaveName> wave_name = WaveName::Parse(request.name());
  const std::string campaign_name = wave_name.has_value() ? wave_name->CampaignString() : request.name();
  ASSIGN_OR_RETURN(const CampaignName name,
                   ParseName<CampaignName>(caller, "name", "a campaign's or a wave's", campaign_name));
  const auto campaign = api.store->GetCampaign(campaign_name);
  if (!campaign.ok()) return HideNotFound(campaign.status(), request.name());
  std::optional<cluster::v1::StoredWave> wave;
  if (wave_name.has_value()) {
    auto stored = api.store->GetWave(request.name());
    if (!stored.ok()) return HideNotFound(stored.status(), request.name());
    wave = *std::move(stored);
  }
  if (request.has_sample() == !request.address().empty()) {
    return BadFields("BAD_RECIPIENT", {{"address",
                                        "give the address of an imported recipient, or a sample of "
                                        "somebody who is not imported; one of the two"}});
  }
  Subject subject;
  if (request.has_sample()) {
    ASSIGN_OR_RETURN(subject, FromSample(*campaign, api.content, request.sample()));
    subject.wave = std::move(wave);
  } else {
    ASSIGN_OR_RETURN(subject, FindByAddress(api.store, *campaign, wave_name ? request.name() : "", request.address()));
  }

  ASSIGN_OR_RETURN(const From from, FromOf(api, *campaign, subject.wave));
  ASSIGN_OR_RETURN(const cluster::v1::Content content,
                   WithFiles(api.store, ContentOf(*campaign, from.address, from.return_path_domain, api.content)));
  ASSIGN_OR_RETURN(const Address address, ParseAddress(content.content().from_address()));
  ASSIGN_OR_RETURN(cluster::v1::KeySet keys,
                   LoadKeySet(api.store, *api.sealer, TenantName{name.tenant}.ToString(), address.domain));
  if (!from.refusal.ok()) {
    // Whoever may not send from an address gets nothing signed in its name either, by the operator's key least of all.
    if (content.content().smime()) return from.refusal;
    keys.clear_keys();
  }
  const auto outgoing = OutgoingContent::Compile(content, keys);
  if (!outgoing.ok()) return CannotRender(outgoing.status(), content.content());

  v1::RenderMessageResponse out;
  out.set_return_path(
      ReturnPath(MakeToken(*api.token_keys, subject.id, from.token_key_id),
                 from.return_path_domain.empty() ? api.content.return_path_domain : from.return_path_domain));
  auto message = (*outgoing)->Make({.address = subject.address,
                                    .values = &subject.values,
                                    .return_path = out.return_path(),
                                    .date = api.clock->Now()});
  if (!message.ok()) return CannotRender(message.status(), content.content());
  out.set_eml(std::move(message->canonical));
  ASSIGN_OR_RETURN(const std::string html, RenderHtml(content, subject.values));
  out.set_html(WithPictures(html, content));
  out.mutable_warnings()->Assign(from.warnings.begin(), from.warnings.end());
  if (!(*outgoing)->is_signed()) {
    out.add_warnings(absl::StrCat("nothing signs this mail, and many receivers refuse it: add the sending domain ",
                                  address.domain, ", publish its records and have it verified"));
  }
  return out;
}

std::string WithPictures(std::string_view html, const cluster::v1::Content& content) {
  std::string out;
  out.reserve(html.size());
  while (!html.empty()) {
    const size_t colon = html.find(':');
    if (colon == std::string_view::npos) break;
    const bool is_cid = colon >= 4 && EqualsIgnoreCase(html.substr(colon - 3, 3), "cid") &&
                        std::string_view("\"'=(").find(html[colon - 4]) != std::string_view::npos;
    const std::string_view rest = html.substr(colon + 1);
    const std::string_view id = rest.substr(0, rest.find_first_of("\"') \t\r\n>"));
    int found = -1;
    const int files = std::min(content.files_size(), content.content().attachments_size());
    for (int i = 0; is_cid && i < files && found < 0; ++i) {
      if (!id.empty() && content.content().attachments(i).content_id() == id) found = i;
    }
    if (found < 0 || out.size() + html.size() + content.files(found).size() / 3 * 4 > kPreviewHtmlBytesMax) {
      out.append(html.substr(0, colon + 1));
      html = rest;
      continue;
    }
    absl::StrAppend(&out, Av(html.substr(0, colon - 3)), "data:", content.content().attachments(found).content_type(),
                    ";base64,", Base64Encode(content.files(found)));
    html = rest.substr(id.size());
  }
  return out.append(html);
}

}  // namespace wavepost
