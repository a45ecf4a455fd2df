// How a connection leaves: the machine's own addresses, SOCKS5 and PROXY v2. What cannot work is kEgress, and says why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sender/smtp/proxy_v2.h"
#include "sender/smtp/session.h"
#include "sender/smtp/socks5.h"
#include "sender/smtp/testing/dialogue.h"

namespace wavepost {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Failure = AttemptResult::Failure;
using Then = Line::Then;
using std::string_literals::operator""s;

const std::string kConnect = "\x05\x01\x00\x01\xc0\x00\x02\x19\x00\x19"s;  // to 192.0.2.25:25
const std::string kConnected = "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"s;
const std::string kGreet = "\x05\x01\x00"s;
const std::string kGreetWithLogin = "\x05\x02\x00\x02"s;
const std::string kLogin = "\x01\x02me\x03pwd"s;
const Line kNoLogin{kGreet, "\x05\x00"s};

std::vector<Line> Smtp(std::vector<Line> before) {
  const std::vector<Line> smtp = {{"", "220 mx.test\r\n"},
                                  {"EHLO out.test\r\n", "250 mx.test\r\n"},
                                  {"MAIL FROM:<b+t@bounce.test>\r\n", "250 ok\r\n"},
                                  {"RCPT TO:<u@a.test>\r\n", "250 ok\r\n"},
                                  {"DATA\r\n", "354 go\r\n"},
                                  {"Subject: x\r\n\r\nhello\r\n.\r\n", "250 ok\r\n"}};
  before.insert(before.end(), smtp.begin(), smtp.end());
  return before;
}

struct Row {
  const char* name;
  std::vector<Line> script;
  Failure failure = Failure::kNone;  // kNone: delivered
  const char* text = "";             // within the failure's
  Socks5 proxy;
};

TEST(Egress, Socks5) {
  const Socks5 login{.user = "me", .password = "pwd"};
  const Socks5 bound{.bind_address = asio::ip::make_address("192.0.2.7")};
  const std::string bind = "\x05\x02\x00\x01\xc0\x00\x02\x07\x00\x00"s;
  const SmtpTimeouts t;
  const Row rows[] = {
      {"Connects", Smtp({kNoLogin, {kConnect, kConnected}})},
      {"ReplyWithIpv6", Smtp({kNoLogin, {kConnect, "\x05\x00\x00\x04"s + std::string(18, 'x')}})},
      {"ReplyWithName", Smtp({kNoLogin, {kConnect, "\x05\x00\x00\x03\x04"s + "name" + "\x00\x19"s}})},
      {"GreetingRightBehindTheReply", Smtp({kNoLogin, {kConnect, kConnected}})},
      {"ReplyInPieces",
       Smtp({{kGreet, "\x05"}, {"", "\0"s}, {kConnect, kConnected.substr(0, 3)}, {"", kConnected.substr(3)}})},
      {"Login", Smtp({{kGreetWithLogin, "\x05\x02"s}, {kLogin, "\x01\x00"s}, {kConnect, kConnected}}), Failure::kNone,
       "", login},
      {"LoginOfferedNotWanted", Smtp({{kGreetWithLogin, "\x05\x00"s}, {kConnect, kConnected}}), Failure::kNone, "",
       login},
      {"BindsFirst", Smtp({kNoLogin, {bind, kConnected}, {kConnect, kConnected}}), Failure::kNone, "", bound},
      {"LoginRefused", {{kGreetWithLogin, "\x05\x02"s}, {kLogin, "\x01\x01"s}}, Failure::kEgress, "password", login},
      {"LoginWanted", {{kGreet, "\x05\xff"s}}, Failure::kEgress, "wants a login"},
      {"LoginWantedUnoffered", {{kGreet, "\x05\x02"s}}, Failure::kEgress, "authentication"},
      {"NotSocks", {{kGreet, "HTTP/1.1 400"}}, Failure::kEgress, "does not speak SOCKS5"},
      {"NotSocksLater",
       {kNoLogin, {kConnect, "\x04\x00\x00\x01\x7f\x00\x00\x01\x12\x34"s}},
       Failure::kEgress,
       "SOCKS5"},
      {"OddAddressType", {kNoLogin, {kConnect, "\x05\x00\x00\x09\x7f"s}}, Failure::kEgress, "SOCKS5"},
      {"ClosesOnUs", {{kGreet, "", Then::kClose}}, Failure::kEgress, "closes the connection"},
      {"NotAllowed", {kNoLogin, {kConnect, "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"s}}, Failure::kEgress, "rules"},
      {"NoIpv4", {kNoLogin, {kConnect, "\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00"s}}, Failure::kEgress, "rules"},
      {"BindRefused", {kNoLogin, {bind, "\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00"s}}, Failure::kEgress, "bind", bound},
      // The proxy works; the host does not.
      {"HostRefuses",
       {kNoLogin, {kConnect, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"s}},
       Failure::kConnect,
       "refused"},
      {"HostUnreachable", {kNoLogin, {kConnect, "\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"s}}, Failure::kConnect, ""},
      {"GeneralFailure", {kNoLogin, {kConnect, "\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00"s}}, Failure::kConnect, ""},
      {"HostIsSilent", {kNoLogin, {kConnect, "", Then::kStall, t.connect}}, Failure::kConnect, "in time"},
      {"ProxyIsSilent", {{kGreet, "", Then::kStall, t.connect}}, Failure::kEgress, "in time"},
      {"ProxyDrips", {kNoLogin, {kConnect, kConnected.substr(0, 9), Then::kDrip, t.connect}}, Failure::kEgress, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Played played =
        Play({.script = row.script, .options = {.route = {.socks5 = row.proxy}}, .via = Via::kSocks5});
    EXPECT_THAT(played.wrong, IsEmpty());
    EXPECT_EQ(played.last().failure, row.failure) << played.last().text;
    EXPECT_THAT(played.last().text, HasSubstr(row.text));
    if (row.failure == Failure::kNone) {
      EXPECT_EQ(played.last().reply->code, 250);
      EXPECT_EQ(played.last().mx_ip, "192.0.2.25");
    } else {
      EXPECT_EQ(played.last().phase, Phase::kConnect);
      EXPECT_THAT(played.last().text, HasSubstr("SOCKS5 proxy 127.0.0.1:"));
    }
    EXPECT_EQ(played.last().egress_ip, "127.0.0.1");
  }
}

TEST(Egress, ProxyV2) {
  const std::string header = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x01\xc0\x00\x02\x19\x00\x00\x00\x19"s;
  const std::string elsewhere = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x19\x00\x00\x00\x19"s;
  Played played = Play({.script = Smtp({{header, ""}}), .via = Via::kProxyV2});
  EXPECT_THAT(played.wrong, IsEmpty());
  ASSERT_TRUE(played.send.has_value());
  EXPECT_EQ(played.send->reply->code, 250);

  const ProxyV2 bound{.bind_address = asio::ip::make_address("192.0.2.7")};
  played = Play({.script = Smtp({{elsewhere, ""}}), .options = {.route = {.proxy = bound}}, .via = Via::kProxyV2});
  EXPECT_THAT(played.wrong, IsEmpty());
  EXPECT_TRUE(played.send.has_value());

  played = Play({.script = {{header, "", Then::kClose}}, .via = Via::kProxyV2});
  EXPECT_EQ(played.open->failure, Failure::kLost);
  EXPECT_EQ(played.open->phase, Phase::kGreeting);
  EXPECT_THAT(played.open->text, HasSubstr("PROXY v2"));

  const ProxyV2 other_family{.bind_address = asio::ip::make_address("2001:db8::7")};
  played = Play({.script = {}, .options = {.route = {.proxy = other_family}}, .via = Via::kProxyV2});
  EXPECT_EQ(played.open->failure, Failure::kEgress);
  EXPECT_THAT(played.open->text, HasSubstr("family"));
}

TEST(Egress, ProxyV2HeaderIpv6) {
  const auto header =
      ProxyV2Header(asio::ip::make_address("2001:db8::1"), {asio::ip::make_address("2001:db8::2"), 2525});
  ASSERT_TRUE(header.ok());
  const std::string zeros(11, '\0');
  EXPECT_EQ(*header, "\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x24"s + "\x20\x01\x0d\xb8" + zeros + "\x01" +
                         "\x20\x01\x0d\xb8" + zeros + "\x02" + "\x00\x00\x09\xdd"s);
}

TEST(Egress, AddressThatIsNotHere) {
  const Played played = Play({.script = {}, .options = {.route = {.source = asio::ip::make_address("192.0.2.77")}}});
  EXPECT_EQ(played.open->failure, Failure::kEgress);
  EXPECT_EQ(played.open->phase, Phase::kConnect);
  EXPECT_EQ(played.open->egress_ip, "192.0.2.77");
  EXPECT_THAT(played.open->text, HasSubstr("egress_ips"));
}

TEST(Egress, OtherFamilyIsNoFaultOfTheAddress) {
  const Played played = Play({.script = {}, .options = {.route = {.source = asio::ip::make_address("::1")}}});
  EXPECT_EQ(played.open->failure, Failure::kConnect);
}

TEST(Egress, LeavesFromItsAddress) {
  const Played played =
      Play({.script = Smtp({}), .options = {.route = {.source = asio::ip::make_address("127.0.0.9")}}});
  EXPECT_EQ(played.client_address, "127.0.0.9");
}

// A port where nobody listens: of the host, it is the host's fault; of a proxy, ours.
TEST(Egress, NobodyListens) {
  Dialogue dialogue{.nobody_listens = true};
  EXPECT_EQ(Play(dialogue).open->failure, Failure::kConnect);
  for (const Via via : {Via::kSocks5, Via::kProxyV2}) {
    dialogue.via = via;
    const Played played = Play(dialogue);
    EXPECT_EQ(played.open->failure, Failure::kEgress);
    EXPECT_THAT(played.open->text, HasSubstr("is it running"));
  }
}

TEST(Socks5Test, LoginsThatCannotBeSaid) {
  std::string message;
  EXPECT_FALSE(Socks5Login({.user = std::string(256, 'u'), .password = "p"}, &message).ok());
  EXPECT_FALSE(Socks5Login({.user = "u", .password = ""}, &message).ok());
  EXPECT_TRUE(Socks5Login({.user = std::string(255, 'u'), .password = "p"}, &message).ok());
  EXPECT_EQ(message.size(), 3 + 256u);
}

}  // namespace
}  // namespace wavepost
