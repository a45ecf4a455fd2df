#include "bouncer/unsubscribe/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr RecipientId kWho{7, 8};

const TokenKeys& Keys() {
  static const TokenKeys keys = TokenKeys::ForTest();
  return keys;
}

std::string PathOf(RecipientId id) {
  return "/u/" + UnsubscribeToken(MakeToken(Keys(), id, 1)).value();
}

PageAnswer Ask(const std::string& method, const std::string& path, const std::string& body = "",
               const std::string& type = "application/x-www-form-urlencoded") {
  return AnswerPage({.method = method, .path = path, .accept_language = "en", .content_type = type, .body = body},
                    Keys());
}

TEST(UnsubscribePageTest, GetAsksAndChangesNothing) {
  for (const char* method : {"GET", "HEAD"}) {
    const PageAnswer answer = Ask(method, PathOf(kWho), "List-Unsubscribe=One-Click");
    EXPECT_EQ(answer.status, 200);
    EXPECT_FALSE(answer.unsubscribe);
    EXPECT_THAT(answer.html, HasSubstr("<form method=\"post\">"));
  }
}

TEST(UnsubscribePageTest, PostUnsubscribesTheOneWhomTheTokenNames) {
  for (const char* body : {"List-Unsubscribe=One-Click", "List-Unsubscribe=One-Click\r\n", "confirm=yes",
                           "a=b&List-Unsubscribe=One-Click"}) {
    const PageAnswer answer = Ask("POST", PathOf(kWho), body);
    EXPECT_EQ(answer.status, 200) << body;
    EXPECT_TRUE(answer.unsubscribe) << body;
    EXPECT_EQ(answer.recipient, kWho);
    EXPECT_THAT(answer.html, Not(HasSubstr("<form")));
  }
}

TEST(UnsubscribePageTest, PostAsAMultipartForm) {
  const std::string body =
      "--XX\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--XX--\r\n";
  EXPECT_TRUE(Ask("POST", PathOf(kWho), body, "multipart/form-data; boundary=XX").unsubscribe);
  EXPECT_TRUE(Ask("POST", PathOf(kWho), body, "multipart/form-data; boundary=\"XX\"").unsubscribe);
  EXPECT_FALSE(Ask("POST", PathOf(kWho), body, "multipart/form-data").unsubscribe);
  EXPECT_FALSE(Ask("POST", PathOf(kWho), body, "multipart/form-data; boundary=YY").unsubscribe);
  EXPECT_FALSE(Ask("POST", PathOf(kWho), body).unsubscribe);
}

TEST(UnsubscribePageTest, APostThatDoesNotSayItAsks) {
  for (const char* body : {"", "List-Unsubscribe=", "List-Unsubscribe=Two-Clicks", "confirm=no", "One-Click",
                           "x=List-Unsubscribe=One-Click"}) {
    const PageAnswer answer = Ask("POST", PathOf(kWho), body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_FALSE(answer.unsubscribe) << body;
  }
}

TEST(UnsubscribePageTest, OtherTokensAreNotFound) {
  const std::string verp = MakeToken(Keys(), kWho, 1);
  std::string altered = PathOf(kWho);
  altered.back() = altered.back() == 'a' ? 'b' : 'a';
  for (const std::string& path : {std::string("/"), std::string(), std::string("/u/"), "/u/" + verp, altered,
                                  PathOf(kWho) + "/", "/" + std::string(10'000, 'a')}) {
    for (const char* method : {"GET", "POST"}) {
      const PageAnswer answer = Ask(method, path, "List-Unsubscribe=One-Click");
      EXPECT_EQ(answer.status, 404) << path.substr(0, 60);
      EXPECT_FALSE(answer.unsubscribe);
    }
  }
}

TEST(UnsubscribePageTest, OtherMethodsAreRefused) {
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "get", ""}) {
    const PageAnswer answer = Ask(method, PathOf(kWho), "List-Unsubscribe=One-Click");
    EXPECT_EQ(answer.status, 405);
    EXPECT_EQ(answer.allow, "GET, HEAD, POST");
    EXPECT_FALSE(answer.unsubscribe);
  }
}

TEST(UnsubscribePageTest, SpeaksTheReadersLanguage) {
  PageRequest request{.method = "GET", .path = PathOf(kWho), .accept_language = "de-DE,de;q=0.9"};
  EXPECT_THAT(AnswerPage(request, Keys()).html, HasSubstr("Abmelden"));
  EXPECT_THAT(PageOutOfOrder("de").html, HasSubstr("einigen Minuten"));
  EXPECT_EQ(PageOutOfOrder("de").status, 503);
}

TEST(UnsubscribePageTest, NothingOfTheRequestStandsInThePage) {
  const PageAnswer answer = Ask("GET", "/<script>alert(1)</script>");
  EXPECT_THAT(answer.html, Not(HasSubstr("script")));
}

}  // namespace
}  // namespace wavepost
