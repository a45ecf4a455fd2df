#include "common/dns/names.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

TEST(NormalizeHostName, Table) {
  const std::string label63(63, 'a');
  const struct {
    std::string name;
    std::optional<std::string> want;
  } rows[] = {
      {"Example.TEST", "example.test"},
      {"example.test.", "example.test"},
      {"xn--bcher-kva.test", "xn--bcher-kva.test"},
      {"_dmarc.test", "_dmarc.test"},
      {"localhost", "localhost"},
      {label63 + ".test", label63 + ".test"},
      {"", {}},
      {".", {}},
      {"a..test", {}},
      {".test", {}},
      {"test..", {}},
      {label63 + "a.test", {}},
      {"a b.test", {}},
      {"a\\032b.test", {}},
      {"a/b.test", {}},
      {std::string("a\0b", 3), {}},
      {"\xc3\xa4.test", {}},
      {label63 + "." + label63 + "." + label63 + "." + label63, {}},
  };
  for (const auto& row : rows) EXPECT_EQ(NormalizeHostName(row.name), row.want) << row.name;
}

TEST(OrderMxHosts, SeedDecides) {
  MxHosts hosts;
  for (int i = 0; i < 100; ++i) hosts.push_back({"h" + std::to_string(i), i % 3, {}});
  MxHosts a = hosts, b = hosts, c = hosts;
  std::mt19937_64 one(1), again(1), two(2);
  OrderMxHosts(&a, &one);
  OrderMxHosts(&b, &again);
  OrderMxHosts(&c, &two);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  ASSERT_EQ(a.size(), kMxHostsMax);
  for (const MxHost& host : a) EXPECT_EQ(host.preference, 0) << "34 hosts have preference 0: only they are kept";
}

TEST(ReverseName, Table) {
  const std::pair<const char*, const char*> rows[] = {
      {"192.0.2.17", "17.2.0.192.in-addr.arpa"},
      {"0.0.0.255", "255.0.0.0.in-addr.arpa"},
      {"::ffff:192.0.2.17", "17.2.0.192.in-addr.arpa"},
      {"2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
  };
  for (const auto& [address, name] : rows) EXPECT_EQ(ReverseName(asio::ip::make_address(address)), name);
}

}  // namespace
}  // namespace wavepost
