#include "common/dns/answer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/dns/fake_dns_server.h"

namespace wavepost {
namespace {

using std::string_literals::operator""s;

std::string Record(std::string_view name, int type, uint32_t ttl, const std::string& data) {
  std::string out = EncodeDnsName(name);
  for (int value :
       {type, 1, static_cast<int>(ttl >> 16), static_cast<int>(ttl & 0xffff), static_cast<int>(data.size())}) {
    out.push_back(static_cast<char>(value >> 8));
    out.push_back(static_cast<char>(value));
  }
  return out + data;
}

std::string Packet(int rcode, int answers, int authority, const std::string& body) {
  std::string out = "\x12\x34\x81"s;
  out.push_back(static_cast<char>(0x80 | rcode));
  out += "\0\1\0"s;
  out.push_back(static_cast<char>(answers));
  out.push_back('\0');
  out.push_back(static_cast<char>(authority));
  return out + "\0\0"s + EncodeDnsName("x.test") + "\0\x0f\0\1"s + body;
}

std::string Mx(int preference, std::string_view host) {
  return std::string({static_cast<char>(preference >> 8), static_cast<char>(preference)}) + EncodeDnsName(host);
}

std::string Soa(uint32_t minimum) {
  std::string out = EncodeDnsName("ns.test") + EncodeDnsName("h.test") + std::string(16, '\0');
  for (int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(minimum >> shift));
  return out;
}

TEST(ParseAnswer, TakesWhatBelongsToTheName) {
  const std::string packet =
      Packet(0, 4, 0,
             Record("X.test", 15, 300, Mx(10, "A.test")) + Record("other.test", 15, 1, Mx(1, "evil.test")) +
                 Record("x.test", 1, 1, "\x7f\0\0\1"s) + Record("x.test", 15, 200, Mx(300, ".")));
  const absl::StatusOr<DnsAnswer> answer = ParseAnswer(packet, "x.test", RecordType::kMx);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->mx.size(), 2u);
  EXPECT_EQ(answer->mx[0].host, "a.test");
  EXPECT_EQ(answer->mx[0].preference, 10);
  EXPECT_EQ(answer->mx[1].host, "");
  EXPECT_EQ(answer->mx[1].preference, 300);
  EXPECT_EQ(answer->ttl, absl::Seconds(200)) << "the least of those taken";
  EXPECT_EQ(answer->canonical, "") << "no alias";
}

TEST(ParseAnswer, FollowsCnames) {
  const std::string packet =
      Packet(0, 3, 0,
             Record("z.test", 15, 300, Mx(10, "a.test")) + Record("y.test", 5, 50, EncodeDnsName("z.test")) +
                 Record("x.test", 5, 100, EncodeDnsName("y.test")));
  const absl::StatusOr<DnsAnswer> answer = ParseAnswer(packet, "x.test", RecordType::kMx);
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->mx.size(), 1u);
  EXPECT_EQ(answer->ttl, absl::Seconds(50));
  EXPECT_EQ(answer->canonical, "z.test");
}

TEST(ParseAnswer, CnameLoopEnds) {
  const std::string packet = Packet(
      0, 2, 0, Record("x.test", 5, 100, EncodeDnsName("y.test")) + Record("y.test", 5, 100, EncodeDnsName("x.test")));
  const absl::StatusOr<DnsAnswer> answer = ParseAnswer(packet, "x.test", RecordType::kMx);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->mx.empty());
}

TEST(ParseAnswer, NegativeTtl) {
  const struct {
    const char* name;
    int rcode;
    uint32_t soa_ttl, minimum;
    int64_t seconds;
  } rows[] = {{"Minimum", 3, 600, 60, 60}, {"SoaTtl", 0, 30, 60, 30}, {"TopBit", 3, 600, 0x80000000, 0}};
  for (const auto& row : rows) {
    const absl::StatusOr<DnsAnswer> answer = ParseAnswer(
        Packet(row.rcode, 0, 1, Record("test", 6, row.soa_ttl, Soa(row.minimum))), "x.test", RecordType::kMx);
    ASSERT_TRUE(answer.ok()) << row.name;
    EXPECT_EQ(answer->name_exists, row.rcode == 0) << row.name;
    EXPECT_EQ(answer->ttl, absl::Seconds(row.seconds)) << row.name;
  }
  EXPECT_EQ(ParseAnswer(Packet(3, 0, 0, ""), "x.test", RecordType::kMx)->ttl, absl::ZeroDuration()) << "no SOA";
}

TEST(ParseAnswer, RefusesOtherCodes) {
  for (int rcode : {1, 2, 4, 5, 9, 15}) {
    EXPECT_EQ(ParseAnswer(Packet(rcode, 0, 0, ""), "x.test", RecordType::kMx).status().code(),
              absl::StatusCode::kUnavailable)
        << rcode;
  }
}

TEST(ParseAnswer, CnameIsNotFollowed) {
  const std::string chain =
      Record("y.test", 5, 50, EncodeDnsName("z.test")) + Record("x.test", 5, 100, EncodeDnsName("Y.test"));
  const absl::StatusOr<DnsAnswer> answer = ParseAnswer(Packet(0, 2, 0, chain), "x.test", RecordType::kCname);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->names, std::vector<std::string>{"y.test"});
  EXPECT_EQ(answer->ttl, absl::Seconds(100)) << "of the alias itself";
  EXPECT_FALSE(answer->empty());
  const absl::StatusOr<DnsAnswer> dangling =
      ParseAnswer(Packet(3, 1, 0, Record("x.test", 5, 100, EncodeDnsName("gone.test"))), "x.test", RecordType::kCname);
  ASSERT_TRUE(dangling.ok());
  EXPECT_EQ(dangling->names, std::vector<std::string>{"gone.test"}) << "some servers say NXDOMAIN of the target";
}

TEST(ParseAnswer, CnameFromAHostileServer) {
  const struct {
    const char* name;
    int count;
    std::string records;
    size_t names;
  } rows[] = {
      {"Other", 1, Record("y.test", 5, 1, EncodeDnsName("evil.test")), 0},
      {"Two", 2, Record("x.test", 5, 1, EncodeDnsName("a.test")) + Record("x.test", 5, 1, EncodeDnsName("b.test")), 1},
      {"Root", 1, Record("x.test", 5, 1, EncodeDnsName("")), 0},
      {"Blanks", 1, Record("x.test", 5, 1, EncodeDnsName("a b\n.test")), 0},
      {"Overrun", 1, Record("x.test", 5, 1, "\x3f" + std::string("abc")), 0},
      {"PointerToItself", 1, Record("x.test", 5, 1, "\xc0\x23"s), 0},
      {"Empty", 1, Record("x.test", 5, 1, ""), 0},
  };
  for (const auto& row : rows) {
    const absl::StatusOr<DnsAnswer> answer =
        ParseAnswer(Packet(0, row.count, 0, row.records), "x.test", RecordType::kCname);
    if (answer.ok()) {
      EXPECT_EQ(answer->names.size(), row.names) << row.name;
    } else {
      EXPECT_EQ(row.names, 0u) << row.name << ": " << answer.status();
    }
  }
}

TEST(ParseAnswer, PtrByWayOfACname) {
  std::string many = Record("x.test", 5, 100, EncodeDnsName("1.0/25.test"));
  for (int i = 0; i < 40; ++i)
    many += Record("1.0/25.test", 12, 200, EncodeDnsName("Mail" + std::to_string(i) + ".test"));
  const absl::StatusOr<DnsAnswer> answer = ParseAnswer(Packet(0, 41, 0, many), "x.test", RecordType::kPtr);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->names.size(), kPtrNamesMax);
  EXPECT_EQ(answer->names.front(), "mail0.test");
  EXPECT_EQ(answer->ttl, absl::Seconds(100));
}

TEST(ParseAnswer, Txt) {
  const std::string long_text = "\xff" + std::string(255, 'a') + "\x02z\0"s;
  std::string full, too_long;
  for (int i = 0; i < 16; ++i) full += "\xff" + std::string(255, 'f');  // 4080 bytes
  too_long = full + "\x11" + std::string(17, 'g');
  full += "\x10" + std::string(16, 'g');
  const std::string packet = Packet(0, 7, 0,
                                    Record("x.test", 16, 300,
                                           "\x03"
                                           "v=1\0\x02;a"s) +
                                        Record("x.test", 16, 200, long_text) + Record("x.test", 16, 300, "") +
                                        Record("x.test", 16, 300,
                                               "\x05"
                                               "ab") +
                                        Record("y.test", 16, 300, "\1y") + Record("x.test", 16, 300, full) +
                                        Record("x.test", 16, 300, too_long));
  const absl::StatusOr<DnsAnswer> answer = ParseAnswer(packet, "x.test", RecordType::kTxt);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->texts.size(), 4u) << "without the string that overruns its record, and the one that is too long";
  EXPECT_EQ(answer->texts[0], "v=1;a") << "strings are joined without a space";
  EXPECT_EQ(answer->texts[1], std::string(255, 'a') + "z\0"s);
  EXPECT_EQ(answer->texts[2], "");
  EXPECT_EQ(answer->texts[3].size(), kTxtBytesMax);
  EXPECT_EQ(answer->ttl, absl::Seconds(200));
}

TEST(ParseAnswer, Tlsa) {
  const std::string huge(kTlsaDataBytesMax + 1, 'x');
  const std::string packet = Packet(0, 5, 0,
                                    Record("x.test", 52, 300, "\3\1\1\xc0\xff"s) +
                                        Record("x.test", 52, 300, "\2\0\2\0"s) + Record("x.test", 52, 300, "\3\1\1"s) +
                                        Record("x.test", 52, 300, "\3\0\0"s + huge) + Record("x.test", 52, 300, ""));
  const absl::StatusOr<DnsAnswer> answer = ParseAnswer(packet, "x.test", RecordType::kTlsa);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const TlsaRecord unusable{.usage = 255};
  EXPECT_EQ(answer->tlsa,
            (std::vector<TlsaRecord>{{3, 1, 1, "\xc0\xff"}, {2, 0, 2, "\0"s}, unusable, unusable, unusable}))
      << "what cannot be read stays as unusable: its owner wants TLS";
}

TEST(ParseAnswer, BoundsTxtAndTlsa) {
  std::string txt, tlsa;
  for (int i = 0; i < 100; ++i) {
    txt += Record("x.test", 16, 300, "\1a");
    tlsa += Record("x.test", 52, 300, "\3\1\1a");
  }
  EXPECT_EQ(ParseAnswer(Packet(0, 100, 0, txt), "x.test", RecordType::kTxt)->texts.size(), kTxtRecordsMax);
  EXPECT_EQ(ParseAnswer(Packet(0, 100, 0, tlsa), "x.test", RecordType::kTlsa)->tlsa.size(), kTlsaRecordsMax);
}

TEST(ParseAnswer, AuthenticAsTheBitSays) {
  for (int rcode : {0, 3}) {
    std::string packet = Packet(rcode, 0, 0, "");
    EXPECT_FALSE(ParseAnswer(packet, "x.test", RecordType::kTlsa)->authentic);
    packet[3] = static_cast<char>(packet[3] | 0x10);  // CD
    EXPECT_FALSE(ParseAnswer(packet, "x.test", RecordType::kTlsa)->authentic);
    packet[3] = static_cast<char>(packet[3] | 0x20);  // AD
    EXPECT_TRUE(ParseAnswer(packet, "x.test", RecordType::kTlsa)->authentic);
  }
}

// Every cut of a good packet is refused or read, never overrun (a sanitizer build sees the rest).
TEST(ParseAnswer, CutAnywhere) {
  const std::string packet = Packet(0, 2, 1,
                                    Record("x.test", 15, 300, Mx(10, "a.test")) +
                                        Record("x.test", 15, 300, Mx(20, "b.test")) + Record("test", 6, 300, Soa(60)));
  for (size_t size = 0; size < packet.size(); ++size) {
    const std::string cut(packet, 0, size);  // its own allocation
    EXPECT_FALSE(ParseAnswer(cut, "x.test", RecordType::kMx).ok()) << size;
  }
  for (size_t at = 0; at < packet.size(); ++at) {
    for (char value : {'\0', '\x3f', '\xc0', '\xff'}) {
      std::string changed = packet;
      changed[at] = value;
      ParseAnswer(changed, "x.test", RecordType::kMx).status().IgnoreError();
    }
  }
}

TEST(ParseAnswer, CutAnywhereTxtAndTlsa) {
  const std::string packet =
      Packet(0, 2, 0, Record("x.test", 16, 300, "\3abc\2de"s) + Record("x.test", 52, 300, "\3\1\1abc"s));
  for (RecordType type : {RecordType::kTxt, RecordType::kTlsa}) {
    for (size_t size = 0; size < packet.size(); ++size) {
      EXPECT_FALSE(ParseAnswer(std::string(packet, 0, size), "x.test", type).ok()) << size;
    }
    for (size_t at = 0; at < packet.size(); ++at) {
      for (char value : {'\0', '\x3f', '\xc0', '\xff'}) {
        std::string changed = packet;
        changed[at] = value;
        ParseAnswer(changed, "x.test", type).status().IgnoreError();
      }
    }
  }
}

TEST(ParseAnswer, WrongSizesOfAddressesAreIgnored) {
  const std::string packet = Packet(0, 3, 0,
                                    Record("x.test", 1, 300, "\1\2\3"s) + Record("x.test", 1, 300, "\1\2\3\4"s) +
                                        Record("x.test", 1, 300, "\1\2\3\4\5"s));
  const absl::StatusOr<DnsAnswer> answer = ParseAnswer(packet, "x.test", RecordType::kA);
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->addresses.size(), 1u);
  EXPECT_EQ(answer->addresses[0].to_string(), "1.2.3.4");
}

}  // namespace
}  // namespace wavepost
