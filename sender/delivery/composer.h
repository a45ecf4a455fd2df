// Makes the bytes of a message: renders its template, signs it. Runs on the CPU threads.
//
// Templates and signing keys are compiled once and shared; at most kContentsMax templates are kept.
// Threads: Compose is a coroutine of the owning io_context; the work itself runs on `cpu`.
#pragma once

#include <asio/thread_pool.hpp>
#include <list>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/tokens.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {

class DkimSigner;
class MessageTemplate;
class QueueStore;

// A campaign's content, ready to be rendered.
struct CompiledContent {
  std::shared_ptr<const MessageTemplate> message;
  std::shared_ptr<const DkimSigner> signer;  // null: leaves unsigned
  std::string message_id_domain;
  absl::Duration max_age;
};

struct ComposedMessage {
  std::shared_ptr<const std::string> canonical;  // CRLF line ends, dots not stuffed, ends with CRLF
  bool smtputf8 = false;
  bool has_8bit = false;
};

class Composer {
 public:
  static constexpr size_t kContentsMax = 256;

  // Both must outlive the composer.
  Composer(const QueueStore* store, asio::thread_pool* cpu) : store_(store), cpu_(cpu) {}

  // The compiled content. Errors: kNotFound, kInvalidArgument (does not compile; the coordinator has checked it, so
  // this is a version skew), storage errors.
  absl::StatusOr<std::shared_ptr<const CompiledContent>> Content(const std::string& content_id);

  // The message of an entry. The same entry yields the same Message-ID and Date on each attempt.
  Awaitable<absl::StatusOr<ComposedMessage>> Compose(std::shared_ptr<const CompiledContent> content,
                                                     std::shared_ptr<const cluster::v1::QueueEntry> entry);

  // A signing key has changed: keys are read again with the next message.
  void ForgetKeys();

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const CompiledContent>>;

  const QueueStore* store_;
  asio::thread_pool* cpu_;
  std::list<Entry> recent_;  // most recently used first
  absl::flat_hash_map<std::string, std::list<Entry>::iterator> by_id_;
};

}  // namespace wavepost
