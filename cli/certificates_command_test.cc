// wavepost certificates, run as a whole; and the question for a password on a terminal.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "cli/command_fixture.h"
#include "cli/content_id.h"
#include "cli/terminal.h"

namespace wavepost::cli {
namespace {

using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kPassword[] = "open sesame";

class CertificatesCommandTest : public CommandFixture {
 protected:
  CertificatesCommandTest() {
    Write("jane.p12", std::string("\x30\x82\0p12", 6));
    Write("password", "open sesame\nsecond line\n");
    server.content.certificate_password = kPassword;
  }
  void ExpectNoPassword() const {
    EXPECT_THAT(out(), Not(HasSubstr("sesame")));
    EXPECT_THAT(err(), Not(HasSubstr("sesame")));
  }
};

TEST_F(CertificatesCommandTest, AddWithAPasswordFile) {
  EXPECT_EQ(Wavepost({"certificates", "add", Path("jane.p12"), "--password-file", Path("password")}), 0) << err();
  EXPECT_EQ(server.content.pkcs12, std::string("\x30\x82\0p12", 6));
  EXPECT_THAT(out(), HasSubstr("may sign for  jane@example.com"));
  EXPECT_THAT(out(), HasSubstr("CN=Jane  [31mDoe"));
  EXPECT_THAT(out(), HasSubstr("(in 10d 00:00)"));
  EXPECT_THAT(out(), HasSubstr("wavepost create --smime"));
  ExpectNoPassword();
  EXPECT_EQ(Wavepost({"certificates", "add", Path("jane.p12"), "--password-file", Path("password"), "--json"}), 0);
  EXPECT_EQ(json::parse(out())["addresses"][0], "jane@example.com");
  ExpectNoPassword();
}

TEST_F(CertificatesCommandTest, AddAsksOnATerminal) {
  terminal = true;
  secret = kPassword;
  EXPECT_EQ(Wavepost({"certificates", "add", Path("jane.p12")}), 0) << err();
  EXPECT_THAT(err(), HasSubstr("Password of " + Path("jane.p12") + ": "));
  ExpectNoPassword();
  secret = "sesame, wrong";
  EXPECT_EQ(Wavepost({"certificates", "add", Path("jane.p12")}), 1);
  EXPECT_THAT(err(), HasSubstr("wavepost: password: does not open the PKCS#12 file"));
  ExpectNoPassword();
  secret = std::nullopt;  // Ctrl-C
  server.content.pkcs12.clear();
  EXPECT_EQ(Wavepost({"certificates", "add", Path("jane.p12")}), 1);
  EXPECT_THAT(err(), HasSubstr("no password was given"));
  EXPECT_EQ(server.content.pkcs12, "");
}

TEST_F(CertificatesCommandTest, MistakesAreFoundBeforeAnyCall) {
  EXPECT_EQ(Wavepost({"certificates", "add", Path("jane.p12")}), 2) << "nobody to ask";
  EXPECT_THAT(err(), HasSubstr("--password-file FILE (an empty file for none)"));
  EXPECT_EQ(Wavepost({"certificates", "add", Path("none.p12")}), 6);
  EXPECT_EQ(Wavepost({"certificates", "add", Path("jane.p12"), "--password-file", Path("none")}), 6);
  EXPECT_EQ(Wavepost({"certificates", "add", Path("jane.p12"), "--password", "sesame"}), 2) << "no such option";
  Write("big.p12", std::string((256 << 10) + 1, 'x'));
  EXPECT_EQ(Wavepost({"certificates", "add", Path("big.p12"), "--password-file", Path("password")}), 6);
  EXPECT_THAT(err(), HasSubstr("big.p12: has more than 262144 bytes; a PKCS#12 file"));
  EXPECT_TRUE(server.content.certificates.empty());
  // No password at all is said by an empty file.
  server.content.certificate_password = "";
  Write("password", "");
  EXPECT_EQ(Wavepost({"certificates", "add", Path("jane.p12"), "--password-file", Path("password")}), 0) << err();
}

TEST_F(CertificatesCommandTest, ListAndDelete) {
  EXPECT_EQ(Wavepost({"certificates", "list"}), 0);
  EXPECT_THAT(out(), StartsWith("No certificate yet."));
  Wavepost({"certificates", "add", Path("jane.p12"), "--password-file", Path("password")});
  const std::string id = Sha256Hex(server.content.pkcs12);
  clock.Advance(absl::Hours(24 * 11));
  EXPECT_EQ(Wavepost({"certificates", "list"}), 0) << err();
  EXPECT_THAT(out(), ContainsRegex(id + " +20[-0-9: ]+ EXPIRED +jane@example.com +CN=Example CA"));
  EXPECT_EQ(Wavepost({"certificates", "list", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["certificate"], "tenants/default/certificates/" + id);
  terminal = true;
  typed = "\n";
  EXPECT_EQ(Wavepost({"certificates", "delete", id}), 1);
  EXPECT_EQ(server.content.certificates.size(), 1u);
  EXPECT_EQ(Wavepost({"certificates", "delete", id, "--yes"}), 0) << err();
  EXPECT_EQ(Wavepost({"certificates", "delete", id, "--yes"}), 4);
}

// A pseudo-terminal: what is typed goes in at the master, what the slave echoes comes out there.
class Pty {
 public:
  Pty() : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(grantpt(master_), 0);
    EXPECT_EQ(unlockpt(master_), 0);
    slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY);
    EXPECT_GE(slave_, 0);
  }
  ~Pty() {
    close(slave_);
    close(master_);
  }
  int slave() const { return slave_; }
  tcflag_t LocalFlags() const {
    termios state{};
    tcgetattr(slave_, &state);
    return state.c_lflag;
  }
  // Types when nothing is echoed any more.
  void Type(const std::string& keys) const {
    while ((LocalFlags() & ECHO) != 0) std::this_thread::yield();
    EXPECT_EQ(write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  std::string Echoed() const {
    std::string text;
    pollfd ready{master_, POLLIN, 0};
    while (poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0) {
      char buffer[256];
      const ssize_t n = read(master_, buffer, sizeof buffer);
      if (n <= 0) break;
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  int master_;
  int slave_ = -1;
};

struct Typing {
  const char* name;
  std::string keys;
  std::optional<std::string> secret;
};

class ReadSecretTest : public testing::TestWithParam<Typing> {};

TEST_P(ReadSecretTest, ShowsNothingAndLeavesTheTerminalAsItWas) {
  Pty pty;
  const tcflag_t before = pty.LocalFlags();
  ASSERT_NE(before & ECHO, 0u);
  std::ostringstream err;
  std::thread typist([&pty] { pty.Type(GetParam().keys); });
  EXPECT_EQ(ReadSecret(pty.slave(), "Password: ", err), GetParam().secret);
  typist.join();
  EXPECT_EQ(err.str(), "Password: \n");
  EXPECT_EQ(pty.Echoed(), "");
  EXPECT_EQ(pty.LocalFlags(), before);
}

INSTANTIATE_TEST_SUITE_P(Keys, ReadSecretTest,
                         testing::Values(Typing{"Plain", "open sesame\n", "open sesame"},
                                         Typing{"CarriageReturn", "a\r", "a"}, Typing{"Empty", "\n", ""},
                                         Typing{"Backspace",
                                                "ab\xC3\xBC\x7F\x7F"
                                                "c\n",
                                                "ac"},
                                         Typing{"EraseLine", "abc\x15x\n", "x"},
                                         Typing{"Interrupt", "ab\x03", std::nullopt},
                                         Typing{"Quit", "ab\x1C", std::nullopt},
                                         Typing{"EndOfInput", "\x04", std::nullopt},
                                         Typing{"EndBehindText", "ab\x04", "ab"},
                                         Typing{"TooLong", std::string(kSecretBytesMax + 1, 'x') + "\n", std::nullopt}),
                         [](const auto& row) { return row.param.name; });

TEST(ReadSecretPipeTest, NoTerminalNoQuestion) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::ostringstream err;
  EXPECT_EQ(ReadSecret(ends[0], "Password: ", err), std::nullopt);
  EXPECT_EQ(err.str(), "");
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace wavepost::cli
