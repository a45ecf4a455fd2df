#include "tests/testnet/dns_zone.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wavepost::testnet {
namespace {

std::string Query(std::string_view name, uint16_t type, int edns = 0) {
  std::string query("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00", 11);
  query += edns > 0 ? '\1' : '\0';
  query += *DnsNameToWire(name);
  query += {static_cast<char>(type >> 8), static_cast<char>(type & 255), 0, 1};
  if (edns > 0)
    query += std::string("\0\0\x29", 3) + static_cast<char>(edns >> 8) + static_cast<char>(edns) + std::string(6, '\0');
  return query;
}

int Rcode(std::string_view answer) {
  return answer[3] & 15;
}
int Answers(std::string_view answer) {
  return static_cast<uint8_t>(answer[6]) << 8 | static_cast<uint8_t>(answer[7]);
}
int Authorities(std::string_view answer) {
  return static_cast<uint8_t>(answer[9]);
}
bool Truncated(std::string_view answer) {
  return (answer[2] & 2) != 0;
}

DnsZone TestZone() {
  DnsZone zone;
  for (const char* line :
       {"a.example MX 10 mx.a.example", "a.example MX 20 mx2.a.example", "mx.a.example A 127.1.0.1",
        "mx2.a.example A 127.1.0.2", "mx.a.example AAAA ::1", "null.example MX 0 .", "alias.example CNAME mx.a.example",
        "loop.example CNAME loop.example", "far.example CNAME nowhere.example", "*.tail.example MX 10 mx.tail.example",
        "mx.tail.example A 127.1.0.9", "k._domainkey.a.example TXT \"v=DKIM1; \" \"p=abc\"",
        "deep.under.b.example A 127.1.0.3", "slow.example A 127.1.0.4", "direct.example A 127.1.0.5"}) {
    absl::StatusOr<DnsRecord> record = ParseDnsRecord(line, 60);
    EXPECT_TRUE(record.ok()) << line << ": " << record.status();
    zone.Add(*std::move(record));
  }
  zone.AddServfail("broken.example");
  zone.AddSilent("*.silent.example");
  return zone;
}

struct Row {
  std::string name;
  std::string asked;
  uint16_t type;
  int rcode;
  int answers;
  int authorities = 0;
};

class ZoneAnswers : public testing::TestWithParam<Row> {};

TEST_P(ZoneAnswers, Row) {
  const std::string query = Query(GetParam().asked, GetParam().type);
  const std::optional<std::string> answer = TestZone().Answer(query, false);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->substr(0, 2), "\x12\x34");
  EXPECT_EQ(static_cast<uint8_t>((*answer)[2]) & 0x81, 0x81) << "QR, and RD as it came";
  EXPECT_EQ(Rcode(*answer), GetParam().rcode);
  EXPECT_EQ(Answers(*answer), GetParam().answers);
  EXPECT_EQ(Authorities(*answer), GetParam().authorities);
  EXPECT_EQ(answer->substr(12, query.size() - 12), query.substr(12)) << "the question comes back as it was";
}

INSTANTIATE_TEST_SUITE_P(
    DnsZone, ZoneAnswers,
    testing::Values(Row{"Mx", "a.example", kDnsMx, 0, 2}, Row{"LetterCase", "A.Example", kDnsMx, 0, 2},
                    Row{"A", "mx.a.example", kDnsA, 0, 1}, Row{"Aaaa", "mx.a.example", kDnsAaaa, 0, 1},
                    Row{"Any", "mx.a.example", kDnsAny, 0, 2}, Row{"NoData", "a.example", kDnsA, 0, 0, 1},
                    Row{"NullMx", "null.example", kDnsMx, 0, 1}, Row{"NoSuchName", "x.invalid", kDnsMx, 3, 0, 1},
                    Row{"Alias", "alias.example", kDnsA, 0, 2}, Row{"AliasAsked", "alias.example", kDnsCname, 0, 1},
                    Row{"AliasLoopEnds", "loop.example", kDnsA, 0, DnsZone::kCnameStepsMax + 1, 1},
                    Row{"AliasToNowhere", "far.example", kDnsA, 3, 1, 1},
                    Row{"Wildcard", "x.tail.example", kDnsMx, 0, 1},
                    Row{"WildcardDeeper", "y.x.tail.example", kDnsMx, 0, 1},
                    Row{"WildcardNotItself", "tail.example", kDnsMx, 0, 0, 1},
                    Row{"ExactBeatsWildcard", "mx.tail.example", kDnsMx, 0, 0, 1},
                    Row{"NameInBetween", "under.b.example", kDnsA, 0, 0, 1}, Row{"Root", "", kDnsA, 3, 0, 1},
                    Row{"Servfail", "broken.example", kDnsMx, 2, 0},
                    Row{"ServfailBelow", "mx.broken.example", kDnsA, 2, 0},
                    Row{"SilentPatternNotItself", "silent.example", kDnsA, 3, 0, 1}),
    [](const auto& row) { return row.param.name; });

TEST(DnsZone, SaysNothingWhereSilenceIsAsked) {
  EXPECT_EQ(TestZone().Answer(Query("x.silent.example", kDnsA), false), std::nullopt);
  EXPECT_EQ(TestZone().Answer(Query("x.silent.example", kDnsA), true), std::nullopt);
}

TEST(DnsZone, AnswersHoldTheData) {
  const std::string mx = *TestZone().Answer(Query("a.example", kDnsMx), false);
  EXPECT_NE(mx.find(std::string("\x00\x0a", 2) + *DnsNameToWire("mx.a.example")), std::string::npos);
  const std::string a = *TestZone().Answer(Query("mx.a.example", kDnsA), false);
  EXPECT_EQ(a.substr(a.size() - 16), std::string("\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\x01\0\x01", 16));
  const std::string null = *TestZone().Answer(Query("null.example", kDnsMx), false);
  EXPECT_EQ(null.substr(null.size() - 5), std::string("\0\3\0\0\0", 5));
}

TEST(DnsZone, TruncatesForUdpAndNotForTcp) {
  DnsZone zone;
  zone.Add(*ParseDnsRecord("big.example TXT " + std::string(1500, 'x'), 60));
  const std::string small = *zone.Answer(Query("big.example", kDnsTxt), false);
  EXPECT_TRUE(Truncated(small));
  EXPECT_EQ(Answers(small), 0);
  EXPECT_LE(small.size(), DnsZone::kUdpBytesPlain);
  EXPECT_TRUE(Truncated(*zone.Answer(Query("big.example", kDnsTxt, 1232), false)));
  const std::string edns = *zone.Answer(Query("big.example", kDnsTxt, 4096), false);
  EXPECT_FALSE(Truncated(edns));
  EXPECT_EQ(edns[11], 1) << "an OPT record comes back";
  EXPECT_FALSE(Truncated(*zone.Answer(Query("big.example", kDnsTxt), true)));
}

struct BadRow {
  std::string name;
  std::string query;
  int rcode;  // -1: silence
};

class ZoneRefuses : public testing::TestWithParam<BadRow> {};

TEST_P(ZoneRefuses, Row) {
  const std::optional<std::string> answer = TestZone().Answer(GetParam().query, false);
  ASSERT_EQ(answer.has_value(), GetParam().rcode >= 0);
  if (answer.has_value()) {
    EXPECT_EQ(Rcode(*answer), GetParam().rcode);
  }
}

std::string With(std::string query, size_t at, char value) {
  query[at] = value;
  return query;
}

INSTANTIATE_TEST_SUITE_P(DnsZone, ZoneRefuses,
                         testing::Values(BadRow{"Runt", "\x12\x34", -1},
                                         BadRow{"AnAnswer", With(Query("a.example", kDnsA), 2, '\x81'), -1},
                                         BadRow{"OtherOpcode", With(Query("a.example", kDnsA), 2, '\x28'), 4},
                                         BadRow{"NoQuestion", With(Query("a.example", kDnsA), 5, 0), 1},
                                         BadRow{"TwoQuestions", With(Query("a.example", kDnsA), 5, 2), 1},
                                         BadRow{"CutInName", Query("a.example", kDnsA).substr(0, 15), 1},
                                         BadRow{"CutInType", Query("a.example", kDnsA).substr(0, 24), 1},
                                         BadRow{"PointerInName", With(Query("a.example", kDnsA), 12, '\xc0'), 1},
                                         BadRow{"LongLabel", With(Query("a.example", kDnsA), 12, '\x40'), 1},
                                         BadRow{"ClassChaos", With(Query("a.example", kDnsA), 26, 3), 5}),
                         [](const auto& row) { return row.param.name; });

TEST(DnsZone, FindsMailHostsForItself) {
  const DnsZone zone = TestZone();
  EXPECT_EQ(zone.MailAddresses("A.example"), (std::vector<uint32_t>{0x7f010001, 0x7f010002}));
  EXPECT_EQ(zone.MailAddresses("direct.example"), (std::vector<uint32_t>{0x7f010005}));
  EXPECT_TRUE(zone.MailAddresses("nowhere.example").empty());
  EXPECT_TRUE(zone.MailAddresses("null.example").empty());
  EXPECT_EQ(zone.Txt("k._domainkey.A.example"), "v=DKIM1; p=abc");
  EXPECT_EQ(zone.Txt("a.example"), std::nullopt);
}

struct RecordRow {
  std::string name;
  std::string line;
  bool good;
};

class RecordLine : public testing::TestWithParam<RecordRow> {};

TEST_P(RecordLine, Row) {
  EXPECT_EQ(ParseDnsRecord(GetParam().line, 60).ok(), GetParam().good);
}

INSTANTIATE_TEST_SUITE_P(
    DnsRecord, RecordLine,
    testing::Values(RecordRow{"Ttl", "a.b 30 A 127.0.0.1", true}, RecordRow{"Class", "a.b. 30 IN a 127.0.0.1", true},
                    RecordRow{"TxtUnquoted", "a.b TXT v=DKIM1; p=x", true}, RecordRow{"TxtEmpty", "a.b TXT", true},
                    RecordRow{"NoType", "a.b", false}, RecordRow{"BadType", "a.b SRV 1", false},
                    RecordRow{"BadIp", "a.b A 127.0.0", false}, RecordRow{"BadPreference", "a.b MX x y", false},
                    RecordRow{"NoHost", "a.b MX 10", false}, RecordRow{"OpenQuote", "a.b TXT \"x", false},
                    RecordRow{"EmptyLabel", "a..b A 127.0.0.1", false},
                    RecordRow{"LongLabel", std::string(64, 'a') + ".b A 127.0.0.1", false},
                    RecordRow{"Empty", "", false}),
    [](const auto& row) { return row.param.name; });

TEST(DnsRecord, FilesNameTheLine) {
  EXPECT_EQ(ParseDnsRecords("# x\n\na.b A 127.0.0.1\na.b A x\n", "zone", 60).status().message().substr(0, 7),
            "zone:4:");
  EXPECT_EQ(ParseDnsRecords("a.b A 127.0.0.1\n; y\nc.d MX 0 .\n", "zone", 60)->size(), 2u);
}

}  // namespace
}  // namespace wavepost::testnet
