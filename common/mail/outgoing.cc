#include "common/mail/outgoing.h"

#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/dkim.h"
#include "common/mail/smime.h"
#include "common/mail/verp.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {
namespace {

constexpr size_t kMessageIdHashBytes = 20;
constexpr std::string_view kBlankLine = "\r\n";

std::string_view LocalPartOf(std::string_view address) {
  return address.substr(0, address.rfind('@'));
}

}  // namespace

ContentSpec SpecOf(cluster::v1::Content content) {
  v1::Content* const from = content.mutable_content();
  ContentSpec spec;
  spec.subject = std::move(*from->mutable_subject());
  spec.from_name = std::move(*from->mutable_from_name());
  spec.from_address = std::move(*from->mutable_from_address());
  spec.reply_to = std::move(*from->mutable_reply_to());
  spec.html = std::move(*from->mutable_html());
  spec.text = std::move(*from->mutable_text());
  for (const v1::Header& header : from->headers()) spec.headers.emplace_back(header.name(), header.value());
  spec.columns.assign(content.columns().begin(), content.columns().end());
  spec.json_columns.assign(content.json_columns().begin(), content.json_columns().end());
  for (int i = 0; i < from->attachments_size(); ++i) {
    v1::Attachment* const attachment = from->mutable_attachments(i);
    AttachmentSpec& file = spec.attachments.emplace_back();
    file.file_name = std::move(*attachment->mutable_file_name());
    file.content_type = std::move(*attachment->mutable_content_type());
    file.content_id = std::move(*attachment->mutable_content_id());
    if (i < content.files_size()) file.data = std::move(*content.mutable_files(i));
  }
  spec.auto_submitted = from->auto_submitted();
  spec.feedback_id = content.feedback_id();
  spec.unsubscribe_url = content.unsubscribe_url();
  spec.unsubscribe_domain = content.unsubscribe_domain();
  return spec;
}

absl::StatusOr<std::shared_ptr<const OutgoingContent>> OutgoingContent::Compile(cluster::v1::Content content,
                                                                                const cluster::v1::KeySet& keys) {
  if (content.files_size() != content.content().attachments_size()) {
    return absl::InvalidArgumentError(absl::StrCat("attachments: there are ", content.content().attachments_size(),
                                                   ", but bytes of ", content.files_size(), " came with them"));
  }
  if (keys.keys_size() > static_cast<int>(kDkimSignersMax)) {
    return absl::InvalidArgumentError(absl::StrCat("DKIM keys of ", keys.domain(), ": there are ", keys.keys_size(),
                                                   "; at most ", kDkimSignersMax, " are allowed"));
  }
  const bool smime = content.content().smime();
  std::shared_ptr<OutgoingContent> out(new OutgoingContent);
  out->message_id_domain_ = content.message_id_domain();
  ASSIGN_OR_RETURN(out->message_, MessageTemplate::Compile(SpecOf(std::move(content))));
  for (const cluster::v1::SigningKey& key : keys.keys()) {
    ASSIGN_OR_RETURN(std::shared_ptr<const DkimSigner> signer,
                     DkimSigner::Create(key.domain(), key.selector(), key.private_key_pem()));
    out->signers_.push_back(std::move(signer));
  }
  out->bytes_ = out->message_->bytes();
  if (!smime) return std::shared_ptr<const OutgoingContent>(std::move(out));
  for (const cluster::v1::SmimeKey& key : keys.smime_keys()) {
    if (key.address() != out->message_->from_address()) continue;
    ASSIGN_OR_RETURN(out->smime_, SmimeSigner::Create(key.private_key_pem(), key.chain_pem()));
    return std::shared_ptr<const OutgoingContent>(std::move(out));
  }
  return absl::FailedPreconditionError(absl::StrCat("smime: there is no certificate for ",
                                                    out->message_->from_address(),
                                                    "; upload one (wavepost certificate), or send without S/MIME"));
}

absl::StatusOr<OutgoingMessage> OutgoingContent::Make(const OutgoingRecipient& recipient) const {
  const std::string message_id = StableMessageId(recipient.return_path, message_id_domain_);
  std::string unsubscribe_token;
  if (message_->offers_unsubscribe()) {
    const std::optional<std::string> token = TokenOf(LocalPartOf(recipient.return_path));
    if (!token.has_value()) return absl::InvalidArgumentError("return_path: has no token to unsubscribe with");
    ASSIGN_OR_RETURN(unsubscribe_token, UnsubscribeToken(*token));
  }
  MessageTemplate::Recipient to;
  to.address = recipient.address;
  to.values = recipient.values;
  to.message_id = message_id;
  to.unsubscribe_token = unsubscribe_token;
  to.date = recipient.date;
  if (smime_ != nullptr) return MakeSmime(to);

  // The body is rendered to where it stays, behind room for what comes before it.
  const size_t room = signature_bytes_.load(std::memory_order_relaxed);
  ASSIGN_OR_RETURN(RenderedMessage rendered, message_->Render(to, {.omit_fixed_body = true, .room = room}));
  const std::string* const fixed_body = rendered.body.empty() ? message_->fixed_body() : nullptr;
  rendered.headers += rendered.content_headers;
  const size_t body_at = room + rendered.headers.size() + 2;
  ASSIGN_OR_RETURN(const std::string signatures,
                   Signatures(rendered, std::string_view(rendered.body).substr(fixed_body == nullptr ? body_at : 0),
                              recipient.date));
  signature_bytes_.store(signatures.size(), std::memory_order_relaxed);

  OutgoingMessage out;
  out.smtputf8 = rendered.needs_smtputf8;
  out.has_8bit = rendered.needs_8bit;
  if (fixed_body != nullptr) {
    out.canonical.reserve(signatures.size() + rendered.headers.size() + 2 + fixed_body->size());
    out.canonical.append(signatures).append(rendered.headers).append("\r\n").append(*fixed_body);
    return out;
  }
  out.canonical = std::move(rendered.body);
  if (signatures.size() > room) out.canonical.insert(0, signatures.size() - room, ' ');
  if (signatures.size() < room) out.canonical.erase(0, room - signatures.size());
  char* to_front = out.canonical.data();
  for (const std::string_view piece : {std::string_view(signatures), std::string_view(rendered.headers), kBlankLine}) {
    std::memcpy(to_front, piece.data(), piece.size());
    to_front += piece.size();
  }
  return out;
}

absl::StatusOr<OutgoingMessage> OutgoingContent::MakeSmime(const MessageTemplate::Recipient& recipient) const {
  ASSIGN_OR_RETURN(RenderedMessage rendered, message_->Render(recipient));
  ASSIGN_OR_RETURN(const SmimeSigned wrapped, smime_->Sign(rendered.content_headers, rendered.body, recipient.date));
  rendered.headers += wrapped.content_headers;
  rendered.body_hash.clear();  // of what is inside now
  OutgoingMessage out;
  ASSIGN_OR_RETURN(out.canonical, Signatures(rendered, wrapped.body, recipient.date));
  out.smtputf8 = rendered.needs_smtputf8;
  out.has_8bit = rendered.needs_8bit;
  out.canonical.reserve(out.canonical.size() + rendered.headers.size() + 2 + wrapped.body.size());
  out.canonical.append(rendered.headers).append(kBlankLine).append(wrapped.body);
  return out;
}

absl::StatusOr<std::string> OutgoingContent::Signatures(const RenderedMessage& rendered, std::string_view body,
                                                        absl::Time date) const {
  if (signers_.empty()) return std::string();
  return DkimSign(signers_, rendered.headers, rendered.body_hash.empty() ? DkimBodyHash(body) : rendered.body_hash,
                  date);
}

std::string StableMessageId(std::string_view return_path, std::string_view domain) {
  // Fetched once: looking the algorithm up takes longer than hashing a return path.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int length = 0;
  WP_CHECK(EVP_Digest(return_path.data(), return_path.size(), digest.data(), &length, kSha256, nullptr) == 1);
  WP_CHECK(length >= kMessageIdHashBytes);
  const std::string_view hash(reinterpret_cast<const char*>(digest.data()), kMessageIdHashBytes);
  return absl::StrCat(Base32Encode(hash), "@", Av(domain));
}

}  // namespace wavepost
