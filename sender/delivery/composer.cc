#include "sender/delivery/composer.h"

#include <openssl/sha.h>

#include <asio/co_spawn.hpp>
#include <utility>

#include "common/base/base64.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/dkim.h"
#include "common/mail/message.h"
#include "common/smtp/compose.h"
#include "sender/queue/queue_store.h"

namespace wavepost {
namespace {

ContentSpec SpecOf(const cluster::v1::Content& stored) {
  const v1::Content& content = stored.content();
  ContentSpec spec;
  spec.subject = content.subject();
  spec.from_name = content.from_name();
  spec.from_address = content.from_address();
  spec.reply_to = content.reply_to();
  spec.html = content.html();
  spec.text = content.text();
  for (const v1::Header& header : content.headers()) spec.headers.emplace_back(header.name(), header.value());
  spec.columns.assign(stored.columns().begin(), stored.columns().end());
  return spec;
}

// Made from the return path, which is the same on every attempt and different for every recipient. A hash, so that the
// token in it does not travel in a second place.
std::string StableMessageId(const std::string& return_path, const std::string& domain) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(return_path.data()), return_path.size(), digest);
  return Base32Encode(std::string_view(reinterpret_cast<const char*>(digest), 20)) + "@" + domain;
}

absl::StatusOr<ComposedMessage> ComposeNow(const CompiledContent& content, const cluster::v1::QueueEntry& entry) {
  const std::vector<std::string> values(entry.values().begin(), entry.values().end());
  const std::string message_id = StableMessageId(entry.return_path(), content.message_id_domain);
  // The time of acceptance: stays the same on every attempt, as the Message-ID does.
  const absl::Time date = absl::FromUnixMillis(entry.accept_ms());
  MessageTemplate::Recipient recipient{
      .address = entry.address(), .values = &values, .message_id = message_id, .date = date};
  ASSIGN_OR_RETURN(RenderedMessage rendered, content.message->Render(recipient));
  std::string message;
  message.reserve(rendered.headers.size() + rendered.body.size() + 1024);
  if (content.signer != nullptr) {
    ASSIGN_OR_RETURN(message, content.signer->Sign(rendered, date));
  }
  message += rendered.headers;
  message += "\r\n";
  message += rendered.body;
  ComposedMessage out;
  out.smtputf8 = rendered.needs_smtputf8;
  out.has_8bit = rendered.needs_8bit;
  out.canonical = std::make_shared<const std::string>(Canonical(std::move(message)));
  return out;
}

Awaitable<absl::StatusOr<ComposedMessage>> ComposeTask(std::shared_ptr<const CompiledContent> content,
                                                       std::shared_ptr<const cluster::v1::QueueEntry> entry) {
  co_return ComposeNow(*content, *entry);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const CompiledContent>> Composer::Content(const std::string& content_id) {
  if (auto found = by_id_.find(content_id); found != by_id_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->second;
  }
  ASSIGN_OR_RETURN(const cluster::v1::Content stored, store_->GetContent(content_id));
  auto compiled = std::make_shared<CompiledContent>();
  ASSIGN_OR_RETURN(compiled->message, MessageTemplate::Compile(SpecOf(stored)));
  compiled->message_id_domain = stored.message_id_domain();
  compiled->max_age = absl::Seconds(stored.max_age().seconds());
  const std::string& from = stored.content().from_address();
  const absl::StatusOr<cluster::v1::SigningKey> key =
      store_->GetSigningKey(AsciiLower(from.substr(from.rfind('@') + 1)));
  if (key.ok()) {
    ASSIGN_OR_RETURN(compiled->signer, DkimSigner::Create(key->domain(), key->selector(), key->private_key_pem()));
  } else if (!absl::IsNotFound(key.status())) {
    return key.status();
  }
  recent_.emplace_front(content_id, std::move(compiled));
  by_id_[content_id] = recent_.begin();
  if (recent_.size() > kContentsMax) {
    by_id_.erase(recent_.back().first);
    recent_.pop_back();
  }
  return recent_.front().second;
}

Awaitable<absl::StatusOr<ComposedMessage>> Composer::Compose(std::shared_ptr<const CompiledContent> content,
                                                             std::shared_ptr<const cluster::v1::QueueEntry> entry) {
  auto task = ComposeTask(std::move(content), std::move(entry));
  absl::StatusOr<ComposedMessage> composed =
      co_await asio::co_spawn(cpu_->get_executor(), std::move(task), asio::use_awaitable);
  co_return composed;
}

void Composer::ForgetKeys() {
  by_id_.clear();
  recent_.clear();
}

}  // namespace wavepost
