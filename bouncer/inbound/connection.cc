#include "bouncer/inbound/connection.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/ssl/error.hpp>
#include <asio/write.hpp>
#include <tuple>
#include <utility>

#include "bouncer/inbound/message_sink.h"

namespace wavepost {
namespace {

// Counted in Dialogue::kPlainBytes.
constexpr size_t kReadBytes = 8 * 1024;
// For the last words to a client that may not be listening.
constexpr absl::Duration kFarewellTimeout = absl::Seconds(5);
// So much of what a client says after our last word is read to its end.
constexpr size_t kFarewellBytesMax = 1 << 20;

}  // namespace

Connection::Connection(Socket socket, std::string name, const Dialogue::Client& client,
                       std::shared_ptr<InboundShared> shared)
    : socket_(std::move(socket)),
      name_(std::move(name)),
      shared_(std::move(shared)),
      dialogue_(&shared_->dialogue, client),
      watchdog_(socket_.get_executor()),
      stored_signal_(socket_.get_executor()) {}

void Connection::Arm(Deadline deadline) {
  deadline_ = deadline;
  watchdog_.expires_at(deadline);
  watchdog_.async_wait([weak = weak_from_this()](asio::error_code error) {
    const std::shared_ptr<Connection> self = weak.lock();
    // Armed anew meanwhile: an expiry that was already queued means nothing.
    if (error || self == nullptr || std::chrono::steady_clock::now() < self->deadline_) return;
    self->timed_out_ = true;
    asio::error_code ignored;
    self->socket_.cancel(ignored);
  });
}

Deadline Connection::ReadDeadline() {
  const InboundLimits& limits = shared_->dialogue.limits;
  if (dialogue_.in_message()) {
    command_deadline_.reset();
    if (!message_deadline_) message_deadline_ = DeadlineAfter(limits.message_timeout);
    return std::min(*message_deadline_, DeadlineAfter(limits.data_timeout));
  }
  message_deadline_.reset();
  // Not renewed by single bytes: a client that trickles a command does not keep the connection for ever.
  if (!command_deadline_) command_deadline_ = DeadlineAfter(limits.command_timeout);
  return *command_deadline_;
}

Awaitable<bool> Connection::Flush() {
  const std::string output = dialogue_.TakeOutput();
  if (output.empty()) co_return true;
  // Something was answered, so a command (or message) was completed: the next one has its own time.
  command_deadline_.reset();
  const bool last = timed_out_ || draining_;
  Arm(DeadlineAfter(last ? kFarewellTimeout : shared_->dialogue.limits.command_timeout));
  if (tls_.has_value()) {
    auto [error, written] = co_await asio::async_write(*tls_, asio::buffer(output), use_tuple);
    co_return !error;
  }
  auto [error, written] = co_await asio::async_write(socket_, asio::buffer(output), use_tuple);
  co_return !error;
}

Awaitable<bool> Connection::Read() {
  std::array<char, kReadBytes> buffer;
  Arm(ReadDeadline());
  reading_ = true;
  asio::error_code error;
  size_t got = 0;
  if (tls_.has_value()) {
    std::tie(error, got) = co_await tls_->async_read_some(asio::buffer(buffer), use_tuple);
  } else {
    std::tie(error, got) = co_await socket_.async_read_some(asio::buffer(buffer), use_tuple);
  }
  reading_ = false;
  if (error) co_return false;
  dialogue_.Feed({buffer.data(), got});
  co_return true;
}

Awaitable<bool> Connection::Handshake() {
  Arm(DeadlineAfter(shared_->dialogue.limits.handshake_timeout));
  const Certificates::Context context = shared_->certificates->Current(std::chrono::steady_clock::now());
  tls_.emplace(socket_, *context);
  auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, use_tuple);
  if (error) {
    shared_->counters.handshakes_failed.fetch_add(1);
    spdlog::debug("event=handshake_failed client={} error=\"{}\"", name_, error.message());
    co_return false;
  }
  shared_->counters.handshakes.fetch_add(1);
  dialogue_.Secured();
  co_return true;
}

Awaitable<void> Connection::Store() {
  stored_.reset();
  stored_signal_.expires_at(Deadline::max());
  watchdog_.cancel();
  shared_->sink->Take(dialogue_.TakeMessage(), name_,
                      [self = shared_from_this(), executor = socket_.get_executor()](absl::Status status) {
                        asio::post(executor, [self, status = std::move(status)] {
                          self->stored_ = status;
                          self->stored_signal_.cancel();
                        });
                      });
  while (!stored_.has_value()) co_await stored_signal_.async_wait(use_tuple);
  (stored_->ok() ? shared_->counters.messages_stored : shared_->counters.messages_not_stored).fetch_add(1);
  dialogue_.Stored(*stored_);
}

Awaitable<void> Connection::Farewell() {
  Arm(DeadlineAfter(kFarewellTimeout));
  asio::error_code ignored;
  if (tls_.has_value()) {
    auto [error] = co_await tls_->async_shutdown(use_tuple);
    if (error && error != asio::ssl::error::stream_truncated) co_return;
  }
  if (dialogue_.quit()) co_return;
  socket_.shutdown(Socket::shutdown_send, ignored);
  std::array<char, kReadBytes> buffer;
  for (size_t left = kFarewellBytesMax; left > 0 && !aborted_ && !timed_out_;) {
    auto [error, got] = co_await socket_.async_read_some(asio::buffer(buffer), use_tuple);
    if (error) break;
    left -= std::min(left, got);
  }
}

Awaitable<void> Connection::Run() {
  const std::shared_ptr<Connection> self = shared_from_this();
  for (;;) {
    const Dialogue::Wants wants = dialogue_.Advance(std::chrono::steady_clock::now());
    for (const uint8_t key_id : dialogue_.TakeUnknownKeyIds()) {
      spdlog::warn("event=unknown_token_key id={} client={} advice=\"if senders have a key with this id, add it here\"",
                   key_id, name_);
    }
    if (wants == Dialogue::Wants::kInput && Ending()) {
      dialogue_.Refuse421("4.3.2 shutting down");
      continue;
    }
    const bool flushed = co_await Flush();
    if (!flushed || aborted_) break;
    if (wants == Dialogue::Wants::kClose) {
      if (!timed_out_ && !draining_) co_await Farewell();
      break;
    }
    if (wants == Dialogue::Wants::kOutput) continue;
    if (wants == Dialogue::Wants::kStore) {
      co_await Store();
      continue;
    }
    if (wants == Dialogue::Wants::kHandshake) {
      const bool secured = co_await Handshake();
      if (!secured || aborted_) break;
      continue;
    }
    if (Ending()) continue;
    const bool read = co_await Read();
    if (read) continue;
    if (aborted_) break;
    if (Ending()) continue;
    if (!timed_out_) break;  // the client has gone
    shared_->counters.timeouts.fetch_add(1);
    spdlog::debug("event=client_timeout client={}", name_);
    dialogue_.Refuse421("4.4.2 timeout");
  }
  shared_->counters.recipients_refused.fetch_add(dialogue_.refused_recipients());
  shared_->counters.rate_limited.fetch_add(dialogue_.rate_limited());
  shared_->counters.unknown_keys.fetch_add(dialogue_.unknown_keys());
  watchdog_.cancel();
  asio::error_code ignored;
  socket_.shutdown(Socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void Connection::BeginDrain() {
  draining_ = true;
  asio::error_code ignored;
  if (reading_ && !dialogue_.in_message()) socket_.cancel(ignored);
}

void Connection::Abort() {
  aborted_ = true;
  asio::error_code ignored;
  socket_.cancel(ignored);
}

}  // namespace wavepost
