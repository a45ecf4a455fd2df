// Makes the bytes of a message: renders its template, signs it. Runs on the CPU threads.
//
// Contents are compiled with their keys once and shared; the least recently used go when there are more than
// kContentsMax or they take more than kContentBytesMax.
// Threads: Compose is a coroutine of the owning io_context; the work itself runs on `cpu`.
#pragma once

#include <asio/thread_pool.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/tokens.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {

class Clock;
class OutgoingContent;
class QueueStore;

// A campaign's content, ready to be rendered and signed.
struct CompiledContent {
  std::shared_ptr<const OutgoingContent> outgoing;
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
  static constexpr size_t kContentBytesMax = 128 << 20;
  static constexpr absl::Duration kFailedFor = absl::Seconds(5);

  // All must outlive the composer.
  Composer(const QueueStore* store, asio::thread_pool* cpu, const Clock* clock)
      : store_(store), cpu_(cpu), clock_(clock) {}

  // The compiled content. Errors: never kInvalidArgument, since nothing here is the recipient's fault: keys that have
  // not come or do not open, a content that does not compile (the coordinator has checked it, so this is a version
  // skew), storage errors.
  absl::StatusOr<std::shared_ptr<const CompiledContent>> Content(const std::string& content_id);

  // The message of an entry. The same entry yields the same Message-ID and Date on each attempt.
  // Errors: kInvalidArgument, kResourceExhausted: these values cannot be rendered. Others are ours and pass.
  Awaitable<absl::StatusOr<ComposedMessage>> Compose(std::shared_ptr<const CompiledContent> content,
                                                     std::shared_ptr<const cluster::v1::QueueEntry> entry);

  // A key set has changed: keys are read again with the next message.
  void ForgetKeys();

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const CompiledContent>>;

  absl::StatusOr<std::shared_ptr<const CompiledContent>> Compile(const std::string& content_id);

  const QueueStore* store_;
  asio::thread_pool* cpu_;
  const Clock* clock_;
  std::list<Entry> recent_;  // most recently used first
  absl::flat_hash_map<std::string, std::list<Entry>::iterator> by_id_;
  size_t bytes_ = 0;  // of those in recent_
  // What did not compile, and until when that is believed: the next message of a million need not find out again.
  absl::flat_hash_map<std::string, std::pair<absl::Status, absl::Time>> failed_;
};

}  // namespace wavepost
