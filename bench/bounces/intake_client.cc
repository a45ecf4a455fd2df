// bench-intake: many mail servers at once that bring bounces to a wavepost-bouncer, or want to do it harm.
//
// Usage: bench-intake --port N --keys FILE [--mode MODE] [--connections N] [--messages N] [--seconds S]
//   dsn    --messages DSNs of Postfix, each for another recipient, as fast as they are taken
//   tls    the same, each connection over TLS
//   big    each connection sends one message of 10 MiB to postmaster
//   hold   each connection makes its TLS handshake and then stays for --seconds
//   slow   each connection sends commands for --seconds and never reads a reply
//   rcpt   each connection sends RCPT after RCPT for --seconds, beginning anew whenever it is thrown out
//   bdat   each connection sends chunk after chunk and never a last one, likewise
// One line of JSON on stdout: messages that were taken, seconds, rate, latency of the 250 in ms, replies by code.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/mail/verp.h"

namespace wavepost {
namespace {

using Steady = std::chrono::steady_clock;
using asio::ip::tcp;

struct Options {
  int port = 0;
  std::string keys;
  std::string mode = "dsn";
  int connections = 50;
  int messages = 20'000;
  double seconds = 10;
  int first = 0;
};

// What all clients share; one thread.
struct Bench {
  Options options;
  TokenKeys keys;
  asio::ssl::context tls{asio::ssl::context::tls_client};
  int next = 0;  // recipient
  int taken = 0;
  std::vector<double> latency_ms;
  std::map<std::string, int> replies;
  Steady::time_point end;  // for modes that last

  bool time_left() const { return Steady::now() < end; }
};

// As Postfix 3.7 sends it, 3.6 KB.
std::string Dsn(int n) {
  const std::string to = absl::StrCat("person", n, "@mail", n % 97, ".example");
  std::string received;
  for (int hop = 0; hop < 4; ++hop) {
    absl::StrAppend(&received, "Received: from relay", hop, ".sender.example (relay", hop, ".sender.example [192.0.2.",
                    10 + hop, "])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 ",
                    "(256/256 bits)\r\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\r\n\tby mx", hop,
                    ".mail.example (Postfix) with ESMTPS id 4C2F91", n % 90'000 + 10'000, "\r\n\tfor <", to,
                    ">; Sun, 22 Nov 2026 12:00:0", hop, " +0000 (UTC)\r\n");
  }
  return absl::StrCat(
      "Return-Path: <>\r\nReceived: by mx.mail.example (Postfix)\r\n\tid 7D0E21", n,
      "; Sun, 22 Nov 2026 12:00:05 +0000 (UTC)\r\nDate: Sun, 22 Nov 2026 12:00:05 +0000 (UTC)\r\n"
      "From: MAILER-DAEMON@mx.mail.example (Mail Delivery System)\r\nSubject: Undelivered Mail Returned to Sender\r\n"
      "To: bounce@bounce.example\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/report; "
      "report-type=delivery-status;\r\n\tboundary=\"4C2F910.1763812805/mx.mail.example\""
      "\r\nContent-Transfer-Encoding: 8bit\r\nMessage-Id: <20261122120005.",
      n,
      "@mx.mail.example>\r\n\r\nThis is a MIME-encapsulated message.\r\n\r\n--4C2F910.1763812805/mx.mail.example\r\n"
      "Content-Description: Notification\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: 8bit\r\n\r\nThis is the mail system at host mx.mail.example.\r\n\r\n"
      "I'm sorry to have to inform you that your message could not\r\nbe delivered to one or more recipients. It's "
      "attached below.\r\n\r\nFor further assistance, please send mail to postmaster.\r\n\r\nIf you do so, please "
      "include this problem report. You can\r\ndelete your own text from the attached returned message.\r\n\r\n"
      "                   The mail system\r\n\r\n<",
      to, ">: host mx1.mail.example[198.51.100.7] said: 550 5.1.1\r\n    <", to,
      ">: Recipient address rejected: User unknown in virtual mailbox\r\n    table (in reply to RCPT TO command)\r\n"
      "\r\n--4C2F910.1763812805/mx.mail.example\r\nContent-Description: Delivery report\r\n"
      "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.mail.example\r\n"
      "X-Postfix-Queue-ID: 4C2F910\r\nX-Postfix-Sender: rfc822; bounce@bounce.example\r\n"
      "Arrival-Date: Sun, 22 Nov 2026 12:00:00 +0000 (UTC)\r\n\r\nFinal-Recipient: rfc822; ",
      to, "\r\nOriginal-Recipient: rfc822;", to,
      "\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx1.mail.example\r\n"
      "Diagnostic-Code: smtp; 550 5.1.1 <",
      to,
      ">: Recipient address\r\n    rejected: User unknown in virtual mailbox "
      "table\r\n\r\n--4C2F910.1763812805/mx.mail.example\r\nContent-Description: Undelivered Message Headers\r\n"
      "Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
      received, "From: Survey <survey@sender.example>\r\nTo: ", to, "\r\nSubject: How was it?\r\nMessage-ID: <a", n,
      "@sender.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
      "--4C2F910.1763812805/mx.mail.example--\r\n");
}

class Client {
 public:
  Client(Bench* bench, tcp::socket socket) : bench_(bench), socket_(std::move(socket)) {}

  Awaitable<bool> Send(std::string bytes) {
    if (tls_.has_value()) {
      auto [error, sent] = co_await asio::async_write(*tls_, asio::buffer(bytes), use_tuple);
      co_return !error;
    }
    auto [error, sent] = co_await asio::async_write(socket_, asio::buffer(bytes), use_tuple);
    co_return !error;
  }

  // The last line of a reply; empty: the end.
  Awaitable<std::string> Reply() {
    for (;;) {
      const size_t end = buffer_.find("\r\n");
      if (end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        if (line.size() > 3 && line[3] == '-') continue;
        ++bench_->replies[line.substr(0, 3)];
        co_return line;
      }
      std::array<char, 4096> bytes;
      asio::error_code error;
      size_t got = 0;
      if (tls_.has_value()) {
        std::tie(error, got) = co_await tls_->async_read_some(asio::buffer(bytes), use_tuple);
      } else {
        std::tie(error, got) = co_await socket_.async_read_some(asio::buffer(bytes), use_tuple);
      }
      if (error) co_return std::string();
      buffer_.append(bytes.data(), got);
    }
  }

  // The greeting, EHLO, and TLS if it is wanted.
  Awaitable<bool> Open(bool secure) {
    std::string reply = co_await Reply();
    if (!reply.starts_with("220")) co_return false;
    co_await Send("EHLO mx.mail.example\r\n");
    reply = co_await Reply();
    if (!secure) co_return reply.starts_with("250");
    co_await Send("STARTTLS\r\n");
    reply = co_await Reply();
    if (!reply.starts_with("220")) co_return false;
    tls_.emplace(socket_, bench_->tls);
    auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::client, use_tuple);
    if (error) co_return false;
    co_await Send("EHLO mx.mail.example\r\n");
    reply = co_await Reply();
    co_return reply.starts_with("250");
  }

  // True: it was taken.
  Awaitable<bool> Message(std::string to, std::string content) {
    co_await Send(absl::StrCat("MAIL FROM:<>\r\nRCPT TO:<", to, ">\r\nDATA\r\n"));
    for (int i = 0; i < 3; ++i) {
      const std::string reply = co_await Reply();
      if (reply.empty() || reply[0] > '3') co_return false;
    }
    const Steady::time_point begin = Steady::now();
    content += ".\r\n";
    const bool sent = co_await Send(std::move(content));
    if (!sent) co_return false;
    const std::string reply = co_await Reply();
    bench_->latency_ms.push_back(std::chrono::duration<double, std::milli>(Steady::now() - begin).count());
    if (reply.starts_with("250")) ++bench_->taken;
    co_return !reply.empty();
  }

 private:
  Bench* const bench_;
  tcp::socket socket_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  std::string buffer_;
};

std::string PathOf(const Bench& bench, int n) {
  return ReturnPath(MakeToken(bench.keys, {1, static_cast<uint32_t>(n)}, bench.keys.signing_key()), "bounce.example");
}

Awaitable<void> Talk(Bench* bench, std::shared_ptr<Client> client) {
  const std::string& mode = bench->options.mode;
  const bool opened = co_await client->Open(mode == "tls" || mode == "hold");
  if (!opened) co_return;
  if (mode == "dsn" || mode == "tls") {
    while (bench->next < bench->options.first + bench->options.messages) {
      const int n = bench->next++;
      const bool going = co_await client->Message(PathOf(*bench, n), Dsn(n));
      if (!going) co_return;
    }
    co_await client->Send("QUIT\r\n");
    co_await client->Reply();
  } else if (mode == "big") {
    std::string content = "Subject: x\r\n\r\n";
    while (content.size() < 10'400'000) content += std::string(76, 'x') + "\r\n";
    co_await client->Message("postmaster", std::move(content));
  } else if (mode == "hold") {
    co_await SleepUntil(bench->end);
  } else if (mode == "slow") {
    std::string lines;
    for (int i = 0; i < 1000; ++i) lines += "EHLO a\r\n";
    co_await client->Send(std::move(lines));
    co_await SleepUntil(bench->end);
  } else if (mode == "rcpt") {
    std::string lines = "MAIL FROM:<>\r\n";
    for (int i = 0; i < 1000; ++i) lines += absl::StrCat("RCPT TO:<", PathOf(*bench, i), ">\r\n");
    co_await client->Send(std::move(lines));
    std::string reply = "x";
    while (!reply.empty() && bench->time_left()) reply = co_await client->Reply();
  } else if (mode == "bdat") {
    co_await client->Send(absl::StrCat("MAIL FROM:<>\r\nRCPT TO:<", PathOf(*bench, bench->next++), ">\r\n"));
    co_await client->Reply();
    co_await client->Reply();
    const std::string chunk = "BDAT 1000000\r\n" + std::string(1'000'000, 'x');
    std::string reply = "x";
    while (!reply.empty() && bench->time_left()) {
      const bool sent = co_await client->Send(chunk);
      if (!sent) co_return;
      reply = co_await client->Reply();
    }
  }
}

Awaitable<void> Run(Bench* bench) {
  const std::string& mode = bench->options.mode;
  const bool again = mode == "rcpt" || mode == "bdat";
  do {
    tcp::socket socket(co_await asio::this_coro::executor);
    const tcp::endpoint server(asio::ip::address_v4::loopback(), static_cast<uint16_t>(bench->options.port));
    auto [error] = co_await socket.async_connect(server, use_tuple);
    if (error) co_return;
    asio::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const auto client = std::make_shared<Client>(bench, std::move(socket));
    co_await Talk(bench, client);
  } while (again && bench->time_left());
}

void Print(Bench* bench, double seconds) {
  std::vector<double>& latency = bench->latency_ms;
  std::sort(latency.begin(), latency.end());
  const auto at = [&](double part) {
    return latency.empty() ? 0.0 : latency[std::min(latency.size() - 1, static_cast<size_t>(part * latency.size()))];
  };
  std::string replies;
  for (const auto& [code, count] : bench->replies) {
    absl::StrAppend(&replies, replies.empty() ? "" : ", ", "\"", code, "\": ", count);
  }
  std::printf(
      "{\"taken\": %d, \"seconds\": %.3f, \"per_second\": %.0f, \"p50_ms\": %.1f, \"p99_ms\": %.1f, "
      "\"replies\": {%s}}\n",
      bench->taken, seconds, bench->taken / seconds, at(0.5), at(0.99), replies.c_str());
}

}  // namespace
}  // namespace wavepost

int main(int argc, char** argv) {
  using namespace wavepost;  // NOLINT: main
  Options options;
  CLI::App flags("Brings bounces to a wavepost-bouncer.", "bench-intake");
  flags.add_option("--port", options.port)->required();
  flags.add_option("--keys", options.keys, "token keys, as the bouncer has them")->required();
  flags.add_option("--mode", options.mode)->check(CLI::IsMember({"dsn", "tls", "big", "hold", "slow", "rcpt", "bdat"}));
  flags.add_option("--connections", options.connections);
  flags.add_option("--messages", options.messages);
  flags.add_option("--seconds", options.seconds);
  flags.add_option("--first", options.first, "number of the first recipient");
  CLI11_PARSE(flags, argc, argv);
  absl::StatusOr<TokenKeys> keys = TokenKeys::Load(options.keys);
  if (!keys.ok()) {
    std::fprintf(stderr, "bench-intake: %s\n", std::string(keys.status().message()).c_str());
    return 1;
  }
  Bench bench{.options = options, .keys = *std::move(keys)};
  bench.next = options.first;
  const Steady::time_point begin = Steady::now();
  bench.end = begin + std::chrono::milliseconds(static_cast<int64_t>(options.seconds * 1000));
  asio::io_context io{1};
  for (int i = 0; i < options.connections; ++i) asio::co_spawn(io, Run(&bench), asio::detached);
  io.run();
  Print(&bench, std::chrono::duration<double>(Steady::now() - begin).count());
  return 0;
}
