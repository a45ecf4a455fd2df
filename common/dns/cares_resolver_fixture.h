// What the tests of CaresResolver share: a resolver that asks a FakeDnsServer. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/clock.h"
#include "common/dns/cares_resolver.h"
#include "common/dns/fake_dns_server.h"

namespace wavepost {

inline constexpr int kA = 1;
inline constexpr int kMx = 15;
inline constexpr int kAaaa = 28;

using Result = absl::StatusOr<MxHosts>;

inline Awaitable<void> ResolveInto(Resolver* resolver, std::string domain, Deadline deadline,
                                   std::optional<Result>* out) {
  *out = co_await resolver->ResolveMx(domain, deadline);
}

inline Awaitable<void> StopInto(Resolver* resolver, bool* done) {
  co_await resolver->Stop();
  *done = true;
}

// "10 mx.test 192.0.2.1,2001:db8::1; ..." or the status code.
inline std::string Describe(const Result& result) {
  if (!result.ok()) return absl::StatusCodeToString(result.status().code());
  std::vector<std::string> hosts;
  for (const MxHost& host : *result) {
    std::vector<std::string> addresses;
    for (const asio::ip::address& address : host.addresses) addresses.push_back(address.to_string());
    hosts.push_back(absl::StrCat(host.preference, " ", host.name, " ", absl::StrJoin(addresses, ",")));
  }
  return absl::StrJoin(hosts, "; ");
}

// Lookups run until they are done; the clock of the cache is turned by hand.
class CaresResolverTest : public testing::Test {
 protected:
  void Start(CaresResolver::Options options = {}) {
    if (options.servers.empty()) options.servers = {server_.address()};
    absl::StatusOr<std::unique_ptr<CaresResolver>> resolver = CaresResolver::Create(io_, clock_, options);
    ASSERT_TRUE(resolver.ok()) << resolver.status();
    resolver_ = *std::move(resolver);
  }

  void TearDown() override {
    if (resolver_) Stop();
    resolver_.reset();
    server_.Close();
    io_.restart();
    io_.run();
  }

  void Stop() {
    bool stopped = false;
    asio::co_spawn(io_, StopInto(resolver_.get(), &stopped), asio::detached);
    RunUntil([&] { return stopped; });
  }

  template <class Condition>
  void RunUntil(Condition condition) {
    io_.restart();
    while (!condition()) {
      ASSERT_NE(io_.run_one(), 0u) << "nothing left to run";
    }
  }

  void Launch(const std::string& domain, std::optional<Result>* out,
              Deadline deadline = DeadlineAfter(absl::Seconds(30))) {
    asio::co_spawn(io_, ResolveInto(resolver_.get(), domain, deadline, out), asio::detached);
  }

  Result Resolve(const std::string& domain, Deadline deadline = DeadlineAfter(absl::Seconds(30))) {
    std::optional<Result> result;
    Launch(domain, &result, deadline);
    RunUntil([&] { return result.has_value(); });
    return result.value_or(absl::InternalError("no result"));
  }

  // Any one lookup.
  template <class T>
  T Finish(Awaitable<T> lookup) {
    std::optional<T> result;
    asio::co_spawn(io_, Into<T>(std::move(lookup), &result), asio::detached);
    RunUntil([&] { return result.has_value(); });
    return *std::move(result);
  }
  template <class T>
  static Awaitable<void> Into(Awaitable<T> lookup, std::optional<T>* out) {
    *out = co_await std::move(lookup);
  }
  absl::StatusOr<TxtAnswer> Txt(const std::string& name) {
    return Finish(resolver_->ResolveTxt(name, DeadlineAfter(absl::Seconds(30))));
  }
  absl::StatusOr<TlsaAnswer> Tlsa(const std::string& name) {
    return Finish(resolver_->ResolveTlsa(name, DeadlineAfter(absl::Seconds(30))));
  }
  absl::StatusOr<std::string> Cname(const std::string& name) {
    return Finish(resolver_->ResolveCname(name, DeadlineAfter(absl::Seconds(30))));
  }
  absl::StatusOr<std::vector<std::string>> Ptr(const std::string& address) {
    return Finish(resolver_->ResolvePtr(asio::ip::make_address(address), DeadlineAfter(absl::Seconds(30))));
  }
  absl::StatusOr<std::vector<MxRecord>> MxRecords(const std::string& name) {
    return Finish(resolver_->ResolveMxRecords(name, DeadlineAfter(absl::Seconds(30))));
  }
  absl::StatusOr<HostAddresses> Host(const std::string& name) {
    return Finish(resolver_->ResolveHost(name, DeadlineAfter(absl::Seconds(30))));
  }

  asio::io_context io_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  FakeDnsServer server_{io_};
  std::unique_ptr<CaresResolver> resolver_;
};

}  // namespace wavepost
