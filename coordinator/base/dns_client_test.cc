#include "coordinator/base/dns_client.h"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/dns/zone_resolver.h"

namespace wavepost {
namespace {

std::unique_ptr<Resolver> Zone() {
  auto zone = ZoneResolver::Parse("a.test TXT \"hello\"\nslow.test TIMEOUT\n");
  EXPECT_TRUE(zone.ok()) << zone.status();
  return *std::move(zone);
}

Awaitable<absl::Status> ReadTxt(Resolver* resolver, std::string name, absl::Duration patience, std::string* out) {
  const auto answer = co_await resolver->ResolveTxt(name, DeadlineAfter(patience));
  if (!answer.ok()) co_return answer.status();
  *out = answer->texts.empty() ? "" : answer->texts[0];
  co_return absl::OkStatus();
}

std::function<Awaitable<absl::Status>(Resolver*)> Reads(std::string name, std::string* out,
                                                        std::promise<void>* entered = nullptr) {
  return [=](Resolver* resolver) {
    if (entered != nullptr) entered->set_value();
    return ReadTxt(resolver, name, absl::Minutes(5), out);
  };
}

TEST(DnsClientTest, AnswersThreadsThatBlock) {
  const auto dns = DnsClient::StartWith(Zone);
  std::vector<std::thread> callers;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      std::string text;
      const absl::Status status = dns->Run(Reads("a.test", &text));
      if (status.ok() && text == "hello") ++answered;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answered, 8);
}

TEST(DnsClientTest, AnErrorOfTheWorkComesBack) {
  const auto dns = DnsClient::StartWith(Zone);
  std::string text;
  const absl::Status status =
      dns->Run([&](Resolver* resolver) { return ReadTxt(resolver, "slow.test", absl::ZeroDuration(), &text); });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
}

TEST(DnsClientTest, ASlowOneDoesNotHoldUpTheOthersAndStopEndsIt) {
  const auto dns = DnsClient::StartWith(Zone);
  std::promise<void> entered;
  std::string nothing, text;
  auto slow = std::async(std::launch::async, [&] { return dns->Run(Reads("slow.test", &nothing, &entered)); });
  entered.get_future().wait();
  EXPECT_TRUE(dns->Run(Reads("a.test", &text)).ok());
  EXPECT_EQ(text, "hello");
  dns->Stop();
  EXPECT_EQ(slow.get().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(dns->Run(Reads("a.test", &text)).code(), absl::StatusCode::kCancelled);
  dns->Stop();
}

TEST(DnsClientTest, AServerThatIsNoAddressIsRefused) {
  EXPECT_EQ(DnsClient::Start({"not an address"}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(DnsClientTest, StopsWhileAServerDoesNotAnswer) {
  // A port that nobody reads from: the question is sent and waits.
  asio::io_context io;
  asio::ip::udp::socket silent(io, {asio::ip::address_v4::loopback(), 0});
  auto dns = DnsClient::Start({absl::StrCat("127.0.0.1:", silent.local_endpoint().port())});
  ASSERT_TRUE(dns.ok()) << dns.status();
  std::promise<void> entered;
  std::string text;
  auto slow = std::async(std::launch::async, [&] { return (*dns)->Run(Reads("a.test", &text, &entered)); });
  entered.get_future().wait();
  (*dns)->Stop();
  EXPECT_EQ(slow.get().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace wavepost
