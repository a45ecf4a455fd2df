#include "sender/delivery/composer.h"

#include <asio/co_spawn.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/outgoing.h"
#include "sender/queue/queue_store.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {
namespace {

absl::StatusOr<ComposedMessage> ComposeNow(const CompiledContent& content, const cluster::v1::QueueEntry& entry) {
  const std::vector<std::string> values(entry.values().begin(), entry.values().end());
  // The time of acceptance: stays the same on every attempt, as the Message-ID does.
  const OutgoingRecipient recipient{.address = entry.address(),
                                    .values = &values,
                                    .return_path = entry.return_path(),
                                    .date = absl::FromUnixMillis(entry.accept_ms())};
  ASSIGN_OR_RETURN(OutgoingMessage made, content.outgoing->Make(recipient));
  ComposedMessage out;
  out.smtputf8 = made.smtputf8;
  out.has_8bit = made.has_8bit;
  out.canonical = std::make_shared<const std::string>(std::move(made.canonical));
  return out;
}

Awaitable<absl::StatusOr<ComposedMessage>> ComposeTask(std::shared_ptr<const CompiledContent> content,
                                                       std::shared_ptr<const cluster::v1::QueueEntry> entry) {
  co_return ComposeNow(*content, *entry);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const CompiledContent>> Composer::Compile(const std::string& content_id) {
  ASSIGN_OR_RETURN(cluster::v1::Content stored, store_->GetContent(content_id));
  const std::string& from = stored.content().from_address();
  absl::StatusOr<cluster::v1::KeySet> keys =
      store_->GetKeySet(stored.tenant(), AsciiLower(from.substr(from.rfind('@') + 1)));
  if (absl::IsNotFound(keys.status())) {
    return absl::UnavailableError(
        absl::StrCat("the keys that sign mail from ", from, " have not come from the coordinator yet"));
  }
  RETURN_IF_ERROR(keys.status());
  auto compiled = std::make_shared<CompiledContent>();
  compiled->max_age = absl::Seconds(stored.max_age().seconds());
  absl::StatusOr<std::shared_ptr<const OutgoingContent>> outgoing = OutgoingContent::Compile(std::move(stored), *keys);
  if (!outgoing.ok()) return absl::InternalError(outgoing.status().message());
  compiled->outgoing = *std::move(outgoing);
  return compiled;
}

absl::StatusOr<std::shared_ptr<const CompiledContent>> Composer::Content(const std::string& content_id) {
  if (auto found = by_id_.find(content_id); found != by_id_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->second;
  }
  if (const auto failed = failed_.find(content_id); failed != failed_.end()) {
    if (clock_->Now() < failed->second.second) return failed->second.first;
    failed_.erase(failed);
  }
  absl::StatusOr<std::shared_ptr<const CompiledContent>> made = Compile(content_id);
  if (!made.ok()) {
    if (failed_.size() >= kContentsMax) failed_.clear();
    failed_[content_id] = {made.status(), clock_->Now() + kFailedFor};
    return made.status();
  }
  std::shared_ptr<const CompiledContent> compiled = *std::move(made);
  bytes_ += compiled->outgoing->bytes();
  recent_.emplace_front(content_id, std::move(compiled));
  by_id_[content_id] = recent_.begin();
  while (recent_.size() > kContentsMax || (bytes_ > kContentBytesMax && recent_.size() > 1)) {
    bytes_ -= recent_.back().second->outgoing->bytes();
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
  failed_.clear();
  bytes_ = 0;
}

}  // namespace wavepost
