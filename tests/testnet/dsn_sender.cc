#include "tests/testnet/dsn_sender.h"

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/address_v4.hpp>
#include <asio/write.hpp>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/strings.h"
#include "common/smtp/compose.h"
#include "common/smtp/reply.h"

namespace wavepost::testnet {
namespace {

using asio::ip::tcp;

constexpr absl::Duration kIdleMax = absl::Hours(1);  // the timer's longest sleep; Add wakes it

Awaitable<absl::StatusOr<Reply>> ReadReply(tcp::socket& socket, ReplyParser& parser) {
  std::array<char, 4096> buffer;
  while (true) {
    if (std::optional<Reply> reply = parser.Next(); reply.has_value()) co_return *std::move(reply);
    const auto [error, size] = co_await socket.async_read_some(asio::buffer(buffer), use_tuple);
    if (error) co_return absl::UnavailableError(absl::StrCat("connection lost: ", error.message()));
    const absl::Status status = parser.Feed(std::string_view(buffer.data(), size));
    if (!status.ok()) co_return status;
  }
}

std::string_view DomainOf(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view{} : address.substr(at + 1);
}

}  // namespace

DsnSender::DsnSender(asio::io_context* io, SessionWorld* world, const DnsServer* dns)
    : io_(*io), world_(*world), dns_(*dns), timer_(*io) {}

DsnSender::~DsnSender() {
  for (const auto& [number, order] : active_) {
    --world_.counters->dsn_pending;
    Finish(*order, {.text = "stopped while it was being sent"});
  }
}

void DsnSender::Start() {
  asio::co_spawn(io_, Run(), asio::detached);
}

void DsnSender::Add(DsnOrder order, absl::Time due) {
  if (stopping_ || pending_.size() >= kPendingMax) {
    Finish(order, {.text = stopping_ ? "stopped before it was due" : "too many DSNs wait"});
    return;
  }
  ++world_.counters->dsn_pending;
  pending_.push({due, next_number_++, 0, std::make_shared<const DsnOrder>(std::move(order))});
  timer_.cancel();
}

void DsnSender::Stop() {
  stopping_ = true;
  timer_.cancel();
  for (; !pending_.empty(); pending_.pop()) {
    --world_.counters->dsn_pending;
    Finish(*pending_.top().order, {.text = "stopped before it was sent"});
  }
}

Awaitable<void> DsnSender::Run() {
  while (!stopping_) {
    const absl::Time now = absl::Now();
    while (!pending_.empty() && pending_.top().due <= now && HasRoom()) {
      Item item = pending_.top();
      pending_.pop();
      active_.emplace(item.number, item.order);
      asio::co_spawn(io_, Deliver(std::move(item)), asio::detached);
    }
    absl::Duration wait = kIdleMax;
    if (!pending_.empty() && HasRoom()) {
      wait = std::min(wait, std::max(pending_.top().due - now, absl::ZeroDuration()));
    }
    timer_.expires_after(absl::ToChronoNanoseconds(wait));
    co_await timer_.async_wait(use_tuple);
  }
}

Awaitable<void> DsnSender::Deliver(Item item) {
  const Outcome outcome = co_await Attempt(item.order, item.number);
  active_.erase(item.number);
  ++item.attempts;
  if (!outcome.sent && outcome.retry && !stopping_ && item.attempts < world_.scenario->dsn.attempts) {
    item.due = absl::Now() + world_.scenario->dsn.retry_delay;
    pending_.push(std::move(item));
  } else {
    --world_.counters->dsn_pending;
    Finish(*item.order, outcome);
  }
  timer_.cancel();
}

std::vector<uint32_t> DsnSender::Destinations(const DsnOrder& order) const {
  const std::string& host = world_.scenario->dsn.host;
  if (const std::optional<uint32_t> address = ParseLoopback(host); address.has_value()) return {*address};
  std::vector<uint32_t> all =
      host.empty() ? dns_.zone().MailAddresses(DomainOf(order.return_path)) : dns_.zone().Addresses(host);
  std::erase_if(all, [](uint32_t address) { return address >> 24 != 127; });  // the testnet never leaves the machine
  return all;
}

Awaitable<DsnSender::Outcome> DsnSender::Attempt(std::shared_ptr<const DsnOrder> order, uint64_t number) {
  Outcome outcome;
  outcome.text = absl::StrCat("no mail host for ", Printable(DomainOf(order->return_path), 255), " in the zone");
  for (const uint32_t address : Destinations(*order)) {
    auto socket = std::make_shared<tcp::socket>(io_);
    asio::steady_timer limit(io_, absl::ToChronoNanoseconds(kDialogueMax));
    limit.async_wait([socket](asio::error_code error) {
      asio::error_code ignored;
      if (!error) socket->close(ignored);
    });
    const tcp::endpoint peer(asio::ip::address_v4(address), world_.scenario->dsn.port);
    const auto [error] = co_await socket->async_connect(peer, use_tuple);
    if (error) {
      outcome.text = absl::StrCat("cannot connect to ", Ipv4Text(address), ":", peer.port(), ": ", error.message());
      continue;
    }
    outcome = co_await Converse(socket, order, number);
    if (outcome.sent || !outcome.retry) break;
  }
  co_return outcome;
}

Awaitable<DsnSender::Outcome> DsnSender::Converse(std::shared_ptr<tcp::socket> socket,
                                                  std::shared_ptr<const DsnOrder> order, uint64_t number) {
  Outcome outcome;
  const absl::Time now = absl::Now();
  const std::string id = absl::StrCat("dsn", absl::ToUnixMicros(now), "x", number);
  absl::StatusOr<std::string> ehlo = EhloCommand(order->host);
  absl::StatusOr<std::string> mail = MailCommand("", MailOptions{});
  absl::StatusOr<std::string> rcpt = RcptCommand(order->return_path);
  if (!ehlo.ok() || !mail.ok() || !rcpt.ok()) {
    outcome.retry = false;
    outcome.text = "return path cannot be written in a command";
    co_return outcome;
  }
  struct Exchange {
    std::string send;
    int wanted;  // first digit of the reply
  };
  const std::array<Exchange, 6> exchanges = {
      {{"", 2}, {*ehlo, 2}, {*mail, 2}, {*rcpt, 2}, {"DATA\r\n", 3}, {DotStuffed(ComposeDsn(*order, id, now)), 2}}};
  ReplyParser parser;
  for (const Exchange& exchange : exchanges) {
    if (!exchange.send.empty()) {
      const auto [error, size] = co_await asio::async_write(*socket, asio::buffer(exchange.send), use_tuple);
      if (error) {
        outcome.text = absl::StrCat("connection lost: ", error.message());
        co_return outcome;
      }
    }
    const absl::StatusOr<Reply> reply = co_await ReadReply(*socket, parser);
    if (!reply.ok()) {
      outcome.code = 0;
      outcome.text = std::string(reply.status().message());
      co_return outcome;
    }
    outcome.code = reply->code;
    outcome.text = reply->Text();
    if (reply->code / 100 != exchange.wanted) {
      outcome.retry = !reply->permanent();
      co_return outcome;
    }
  }
  outcome.sent = true;
  co_await asio::async_write(*socket, asio::buffer(std::string_view("QUIT\r\n")), use_tuple);
  const absl::StatusOr<Reply> bye = co_await ReadReply(*socket, parser);
  co_return outcome;
}

void DsnSender::Finish(const DsnOrder& order, const Outcome& outcome) {
  ++(outcome.sent ? world_.counters->dsn_sent : world_.counters->dsn_failed);
  const absl::Status status = world_.ledger->Write({.time = absl::Now(),
                                                    .event = outcome.sent ? "dsn_sent" : "dsn_failed",
                                                    .phase = "dsn",
                                                    .client_ip = order.client_ip,
                                                    .ehlo = order.ehlo,
                                                    .mail_from = order.return_path,
                                                    .rcpt_to = order.rcpt_to,
                                                    .message_id = order.message_id,
                                                    .code = outcome.code,
                                                    .reply = outcome.text,
                                                    .domain = DomainOf(order.rcpt_to),
                                                    .size = order.size});
  if (!status.ok()) ++world_.counters->ledger_errors;
}

}  // namespace wavepost::testnet
