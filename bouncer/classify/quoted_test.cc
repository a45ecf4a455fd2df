#include "bouncer/classify/quoted.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace wavepost {
namespace {

struct QuotedRow {
  const char* name;
  const char* text;
  int code;  // 0: none
  const char* enhanced;
};

class QuotedReplyTest : public ::testing::TestWithParam<QuotedRow> {};

TEST_P(QuotedReplyTest, Finds) {
  const std::optional<Reply> reply = QuotedReply(GetParam().text);
  ASSERT_EQ(reply.has_value(), GetParam().code != 0);
  if (!reply) return;
  EXPECT_EQ(reply->code, GetParam().code);
  EXPECT_EQ(reply->enhanced.ToString(), GetParam().enhanced);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, QuotedReplyTest,
    ::testing::Values(QuotedRow{"AtTheStart", "550 5.1.1 no", 550, "5.1.1"},
                      QuotedRow{"BehindSaid", "host mx[192.0.2.1] said: 550-5.7.1 no", 550, "5.7.1"},
                      QuotedRow{"InParentheses", "(reason: 452 4.2.2 full)", 452, "4.2.2"},
                      QuotedRow{"WithHash", "#550 5.1.1 RESOLVER.ADR.X", 550, "5.1.1"},
                      QuotedRow{"GluedToItsCode", "rejected: 550#5.1.1 no", 550, "5.1.1"},
                      QuotedRow{"ColonBehind", "550: 5.1.1 unknown", 550, "5.1.1"},
                      QuotedRow{"TheOneWithAnEnhancedCode", "554 delivery error: 550 5.1.1 unknown", 550, "5.1.1"},
                      QuotedRow{"QuotationMarks", "error 550-'5.7.1 <b@y.test> denied'", 550, "5.7.1"},
                      QuotedRow{"CodeLaterInTheText", "550 sorry, no mailbox here (#5.1.1)", 550, "5.1.1"},
                      QuotedRow{"Size", "message of 550 bytes", 0, ""},
                      QuotedRow{"PartOfANumber", "queue 15501", 0, ""},
                      QuotedRow{"PartOfAnAddress", "[10.0.550.1] x5501", 0, ""},
                      QuotedRow{"SecondDigitTooHigh", "587 is a port", 0, ""}, QuotedRow{"Success", "250 ok", 0, ""},
                      QuotedRow{"Empty", "", 0, ""}),
    [](const auto& row) { return row.param.name; });

TEST(QuotedReplyTest, EndsBeforeWhatQmailAdds) {
  EXPECT_EQ(QuotedReply("Remote host said: 550 no Giving up on 192.0.2.1.")->Text(), "no");
}

}  // namespace
}  // namespace wavepost
