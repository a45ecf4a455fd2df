#include "cli/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace wavepost::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Key id 1, then wave and index, then ten bytes of "HMAC", in base32.
std::string ReturnPathOf(RecipientId id) {
  static constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string bytes(1, '\1');
  for (uint32_t n : {id.wave, id.index}) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(n >> shift);
  }
  bytes += "0123456789";
  std::string token;
  for (size_t bit = 0; bit < bytes.size() * 8; bit += 5) {
    int value = 0;
    for (size_t b = bit; b < bit + 5; ++b) {
      const int one = b / 8 < bytes.size() ? (bytes[b / 8] >> (7 - b % 8)) & 1 : 0;
      value = value << 1 | one;
    }
    token += kAlphabet[value];
  }
  return "b+" + token + "@bounce.example";
}

std::string Line(std::string_view event, uint32_t wave, uint32_t index, std::string_view rcpt_to = "") {
  return absl::StrCat(R"({"time":"2026-01-01T00:00:00Z","event":")", absl::string_view(event.data(), event.size()),
                      R"(","phase":"end_of_data","mail_from":")", ReturnPathOf({wave, index}), R"(","rcpt_to":")",
                      rcpt_to.empty() ? absl::StrCat("r", index, "@x.example") : std::string(rcpt_to),
                      R"(","code":250})", "\n");
}

v1::Recipient Recipient(uint32_t wave, uint32_t index, v1::Outcome outcome, std::string_view phase = "",
                        bool maybe = false) {
  v1::Recipient r;
  r.set_name(absl::StrCat("tenants/t/campaigns/c/waves/main/recipients/w", wave, "-", index));
  r.set_address(absl::StrCat("r", index, "@x.example"));
  r.set_outcome(outcome);
  r.mutable_status()->set_phase(std::string(phase));
  r.mutable_status()->set_maybe_delivered(maybe);
  return r;
}

TEST(RecipientOfTest, ReadsTheReference) {
  const RecipientId id{0x01020304, 0xfffefdfc};
  EXPECT_EQ(RecipientOf(ReturnPathOf(id)), id);
  EXPECT_EQ(RecipientOf("<" + ReturnPathOf(id) + ">"), id);
}

TEST(RecipientOfTest, RefusesOtherAddresses) {
  for (const char* text : {"", "<>", "postmaster@bounce.example", "b+short@bounce.example",
                           "b+0000000000000000000000000000000@x.example", "aeaaaaaaafaaaaaaaajtambqga4q@x"}) {
    EXPECT_FALSE(RecipientOf(text).has_value()) << text;
  }
}

struct Row {
  const char* name;
  int accepted;  // lines in the ledger
  v1::Outcome outcome;
  const char* phase;
  bool maybe;
  int duplicates, lost, mismatches;
};

class LedgerTest : public testing::TestWithParam<Row> {};

TEST_P(LedgerTest, Compares) {
  const Row& row = GetParam();
  std::string text = Line("refused", 7, 0) + Line("connect", 7, 0);
  for (int i = 0; i < row.accepted; ++i) text += Line("accepted", 7, 0);
  std::istringstream in(text);
  Ledger ledger;
  ASSERT_TRUE(ledger.Read(&in).ok());
  ledger.Compare(Recipient(7, 0, row.outcome, row.phase, row.maybe));
  ledger.Finish();
  EXPECT_EQ(ledger.duplicates(), row.duplicates);
  EXPECT_EQ(ledger.lost(), row.lost);
  EXPECT_EQ(ledger.mismatch_count(), row.mismatches) << testing::PrintToString(ledger.mismatches());
}

INSTANTIATE_TEST_SUITE_P(Good, LedgerTest,
                         testing::Values(Row{"DeliveredOnce", 1, v1::DELIVERED, "end_of_data", false, 0, 0, 0},
                                         Row{"BouncedInSession", 0, v1::BOUNCED, "rcpt", false, 0, 0, 0},
                                         Row{"BouncedByReport", 1, v1::BOUNCED, "report", false, 0, 0, 0},
                                         Row{"Suppressed", 0, v1::SUPPRESSED, "", false, 0, 0, 0},
                                         Row{"Expired", 0, v1::EXPIRED, "rcpt", false, 0, 0, 0},
                                         Row{"Open", 0, v1::OUTCOME_UNSPECIFIED, "", false, 0, 0, 0},
                                         Row{"MaybeExpired", 1, v1::EXPIRED, "end_of_data", true, 0, 0, 0},
                                         Row{"MaybeTwice", 2, v1::DELIVERED, "end_of_data", true, 1, 0, 0}),
                         [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(Bad, LedgerTest,
                         testing::Values(Row{"Lost", 0, v1::DELIVERED, "end_of_data", false, 0, 1, 1},
                                         Row{"MaybeLost", 0, v1::DELIVERED, "end_of_data", true, 0, 1, 1},
                                         Row{"Twice", 2, v1::DELIVERED, "end_of_data", false, 1, 0, 1},
                                         Row{"ThreeTimes", 3, v1::DELIVERED, "end_of_data", false, 2, 0, 1},
                                         Row{"BouncedButAccepted", 1, v1::BOUNCED, "rcpt", false, 0, 0, 1},
                                         Row{"SuppressedButAccepted", 1, v1::SUPPRESSED, "", false, 0, 0, 1},
                                         Row{"OpenButAccepted", 1, v1::OUTCOME_UNSPECIFIED, "", false, 0, 0, 1},
                                         Row{"ReportOutOfNothing", 0, v1::BOUNCED, "report", false, 0, 0, 1}),
                         [](const auto& test) { return test.param.name; });

TEST(LedgerSetTest, FindsStrangersInOurWavesOnly) {
  std::istringstream in(Line("accepted", 7, 0) + Line("accepted", 7, 99) + Line("accepted", 8, 1));
  Ledger ledger;
  ASSERT_TRUE(ledger.Read(&in).ok());
  ledger.Compare(Recipient(7, 0, v1::DELIVERED));
  ledger.Finish();
  EXPECT_THAT(ledger.mismatches(), ElementsAre(HasSubstr("w7-99: accepted by a receiver, unknown")));
}

TEST(LedgerSetTest, AddressMustAgreeButForLetterCase) {
  std::istringstream in(Line("accepted", 7, 0, "R0@X.example") + Line("accepted", 7, 1, "other@x.example"));
  Ledger ledger;
  ASSERT_TRUE(ledger.Read(&in).ok());
  ledger.Compare(Recipient(7, 0, v1::DELIVERED));
  ledger.Compare(Recipient(7, 1, v1::DELIVERED));
  EXPECT_THAT(ledger.mismatches(), ElementsAre(HasSubstr("w7-1 r1@x.example: was sent to another address")));
}

TEST(LedgerSetTest, RecipientTwiceInTheBooks) {
  std::istringstream in(Line("accepted", 7, 0));
  Ledger ledger;
  ASSERT_TRUE(ledger.Read(&in).ok());
  ledger.Compare(Recipient(7, 0, v1::DELIVERED));
  ledger.Compare(Recipient(7, 0, v1::DELIVERED));
  EXPECT_THAT(ledger.mismatches(), ElementsAre(HasSubstr("stands twice")));
}

TEST(LedgerReadTest, NamesTheBadLine) {
  std::istringstream in(Line("accepted", 7, 0) + "not json\n");
  Ledger ledger;
  const absl::Status status = ledger.Read(&in);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("line 2: is no JSON object"));
}

TEST(LedgerReadTest, LineBeingWrittenIsLeftOut) {
  std::istringstream in(Line("accepted", 7, 0) + R"({"event":"acce)");
  Ledger ledger;
  EXPECT_TRUE(ledger.Read(&in).ok());
  ledger.Compare(Recipient(7, 0, v1::DELIVERED));
  EXPECT_THAT(ledger.mismatches(), IsEmpty());
}

TEST(LedgerReadTest, OddValuesAndOtherMailDoNoHarm) {
  std::istringstream in("\n[1]\n");
  EXPECT_FALSE(Ledger().Read(&in).ok());
  std::istringstream other(R"({"event":"accepted","mail_from":7,"rcpt_to":null})"
                           "\n"
                           R"({"event":"accepted","mail_from":"a@b","rcpt_to":"c@d"})"
                           "\n");
  EXPECT_TRUE(Ledger().Read(&other).ok());
}

TEST(LedgerLimitTest, WordsAreBoundedButCounted) {
  Ledger ledger;
  for (uint32_t i = 0; i < kMismatchesMax + 5; ++i) ledger.Compare(Recipient(7, i, v1::DELIVERED));
  EXPECT_EQ(ledger.mismatches().size(), kMismatchesMax);
  EXPECT_EQ(ledger.mismatch_count(), static_cast<int64_t>(kMismatchesMax) + 5);
  EXPECT_EQ(ledger.lost(), static_cast<int64_t>(kMismatchesMax) + 5);
}

}  // namespace
}  // namespace wavepost::cli
