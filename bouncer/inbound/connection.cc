#include "bouncer/inbound/connection.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>
#include <utility>

#include "bouncer/inbound/message_sink.h"

namespace wavepost {
namespace {

constexpr size_t kReadBytes = 16 * 1024;
// For the last words to a client that may not be listening.
constexpr absl::Duration kFarewellTimeout = absl::Seconds(5);

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, std::string client, std::shared_ptr<InboundShared> shared)
    : socket_(std::move(socket)),
      client_(std::move(client)),
      shared_(std::move(shared)),
      dialogue_(shared_->hostname, &shared_->limits, &shared_->mailboxes, &shared_->budget),
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
  if (dialogue_.in_message()) {
    command_deadline_.reset();
    if (!message_deadline_) message_deadline_ = DeadlineAfter(shared_->limits.message_timeout);
    return std::min(*message_deadline_, DeadlineAfter(shared_->limits.data_timeout));
  }
  message_deadline_.reset();
  // Not renewed by single bytes: a client that trickles a command does not keep the connection for ever.
  if (!command_deadline_) command_deadline_ = DeadlineAfter(shared_->limits.command_timeout);
  return *command_deadline_;
}

Awaitable<bool> Connection::Flush() {
  const std::string output = dialogue_.TakeOutput();
  if (output.empty()) co_return true;
  // Something was answered, so a command (or message) was completed: the next one has its own time.
  command_deadline_.reset();
  Arm(DeadlineAfter(timed_out_ || draining_ ? kFarewellTimeout : shared_->limits.command_timeout));
  auto [error, written] = co_await asio::async_write(socket_, asio::buffer(output), use_tuple);
  co_return !error;
}

Awaitable<bool> Connection::Read() {
  std::array<char, kReadBytes> buffer;
  Arm(ReadDeadline());
  reading_ = true;
  auto [error, got] = co_await socket_.async_read_some(asio::buffer(buffer), use_tuple);
  reading_ = false;
  if (error) co_return false;
  dialogue_.Feed({buffer.data(), got});
  co_return true;
}

Awaitable<void> Connection::Store() {
  stored_.reset();
  stored_signal_.expires_at(Deadline::max());
  watchdog_.cancel();
  shared_->sink->Take(dialogue_.TakeMessage(), client_,
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

Awaitable<void> Connection::Run() {
  const std::shared_ptr<Connection> self = shared_from_this();
  for (;;) {
    const Dialogue::Wants wants = dialogue_.Advance();
    if (wants == Dialogue::Wants::kInput && draining_ && !dialogue_.in_message()) {
      dialogue_.Refuse421("4.3.2 shutting down");
      continue;
    }
    const bool flushed = co_await Flush();
    if (!flushed || aborted_ || wants == Dialogue::Wants::kClose) break;
    if (wants == Dialogue::Wants::kStore) {
      co_await Store();
      continue;
    }
    if (draining_ && !dialogue_.in_message()) continue;
    const bool read = co_await Read();
    if (read) continue;
    if (aborted_) break;
    if (draining_ && !dialogue_.in_message()) continue;
    if (!timed_out_) break;  // the client has gone
    shared_->counters.timeouts.fetch_add(1);
    spdlog::debug("event=client_timeout client={}", client_);
    dialogue_.Refuse421("4.4.2 timeout");
  }
  shared_->counters.recipients_refused.fetch_add(dialogue_.refused_recipients());
  watchdog_.cancel();
  asio::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
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
