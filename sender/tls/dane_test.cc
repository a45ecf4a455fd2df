#include "sender/tls/dane.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

TEST(Dane, Usable) {
  const std::string d32(32, 'x'), d64(64, 'x');
  const struct {
    const char* name;
    TlsaRecord record;
    bool want;
  } rows[] = {
      {"EeKeySha256", {3, 1, 1, d32}, true},
      {"EeCertSha512", {3, 0, 2, d64}, true},
      {"TaCertSha256", {2, 0, 1, d32}, true},
      {"TaKeyFull", {2, 1, 0, "key"}, true},
      {"PkixTa", {0, 0, 1, d32}, false},
      {"PkixEe", {1, 1, 1, d32}, false},
      {"UnknownUsage", {4, 1, 1, d32}, false},
      {"Unreadable", {255, 0, 0, ""}, false},
      {"UnknownSelector", {3, 2, 1, d32}, false},
      {"UnknownMatching", {3, 1, 3, d32}, false},
      {"Sha256TooShort", {3, 1, 1, d32.substr(1)}, false},
      {"Sha256As512", {3, 1, 2, d32}, false},
      {"FullEmpty", {3, 1, 0, ""}, false},
  };
  for (const auto& row : rows) EXPECT_EQ(IsUsableTlsa(row.record), row.want) << row.name;
  EXPECT_EQ(UsableTlsa({{0, 0, 1, d32}, {3, 1, 1, d32}}), (std::vector<TlsaRecord>{{3, 1, 1, d32}}));
}

TEST(Dane, Text) {
  EXPECT_EQ(TlsaText({3, 1, 1, std::string("\xc0\x0f\xee", 3)}), "3 1 1 C00FEE");
  EXPECT_EQ(TlsaName(25, "mx.test"), "_25._tcp.mx.test");
}

}  // namespace
}  // namespace wavepost
