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

}  // namespace
}  // namespace wavepost
