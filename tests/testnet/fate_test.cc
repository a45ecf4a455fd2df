#include "tests/testnet/fate.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost::testnet {
namespace {

using Kind = Fate::Kind;

struct GoodRow {
  std::string name;
  std::string text;
  Fate fate;
};

class FateParses : public testing::TestWithParam<GoodRow> {};

TEST_P(FateParses, Row) {
  const absl::StatusOr<Fate> fate = ParseFate(GetParam().text);
  ASSERT_TRUE(fate.ok()) << fate.status();
  EXPECT_TRUE(*fate == GetParam().fate) << fate->code << " " << fate->status << " " << fate->text;
}

INSTANTIATE_TEST_SUITE_P(
    Fate, FateParses,
    testing::Values(GoodRow{"Accept", "accept", {}},
                    GoodRow{"Reply", "550 5.1.1 User unknown", {Kind::kReplyAtRcpt, 550, "5.1.1", "User unknown"}},
                    GoodRow{"ReplyWithoutStatus", "451 Later", {Kind::kReplyAtRcpt, 451, "4.0.0", "Later"}},
                    GoodRow{"ReplyBare", "452", {Kind::kReplyAtRcpt, 452, "4.0.0", "Refused by scenario"}},
                    GoodRow{"AfterData", "data 554 5.7.1 Spam", {Kind::kReplyAfterData, 554, "5.7.1", "Spam"}},
                    GoodRow{"Dsn", "dsn 5.1.1 User unknown", {Kind::kDsn, 0, "5.1.1", "User unknown"}},
                    GoodRow{
                        "DsnAfter", "after=2m dsn 5.2.2 Full", {Kind::kDsn, 0, "5.2.2", "Full", 0, absl::Minutes(2)}},
                    GoodRow{"Once", "once 451 4.3.0 Later", {Kind::kReplyAtRcpt, 451, "4.3.0", "Later", 1}},
                    GoodRow{"Times", "times=3 data 451 4.3.0 x", {Kind::kReplyAfterData, 451, "4.3.0", "x", 3}}),
    [](const auto& row) { return row.param.name; });

struct BadRow {
  std::string name;
  std::string text;
};

class FateRefuses : public testing::TestWithParam<BadRow> {};

TEST_P(FateRefuses, Row) {
  EXPECT_FALSE(ParseFate(GetParam().text).ok());
}

INSTANTIATE_TEST_SUITE_P(
    Fate, FateRefuses,
    testing::Values(BadRow{"Empty", ""}, BadRow{"Positive", "250 2.0.0 Ok"}, BadRow{"NoCode", "unknown"},
                    BadRow{"ShortCode", "55 x"}, BadRow{"ClassDiffers", "550 4.1.1 x"},
                    BadRow{"DsnNoStatus", "dsn soon"}, BadRow{"DsnPositive", "dsn 2.1.1 fine"},
                    BadRow{"AcceptAndMore", "accept 550 5.0.0 x"}, BadRow{"TimesZero", "times=0 451 x"},
                    BadRow{"AfterOnReply", "after=3s 451 4.0.0 x"}, BadRow{"AfterNoDuration", "after=soon dsn 5.1.1"},
                    BadRow{"Long", "550 " + std::string(500, 'x')}),
    [](const auto& row) { return row.param.name; });

struct LocalRow {
  std::string name;
  std::string local;
  Kind kind;
  int code;
  std::string status;
  int times = 0;
};

class LocalPart : public testing::TestWithParam<LocalRow> {};

TEST_P(LocalPart, Row) {
  const Fate fate = FateOfLocalPart(GetParam().local).value_or(Fate{});
  EXPECT_TRUE(fate.kind == GetParam().kind);
  EXPECT_EQ(fate.code, GetParam().code);
  EXPECT_EQ(fate.status, GetParam().status);
  EXPECT_EQ(fate.times, GetParam().times);
}

INSTANTIATE_TEST_SUITE_P(Fate, LocalPart,
                         testing::Values(LocalRow{"Plain", "anna", Kind::kAccept, 0, ""},
                                         LocalRow{"Code450", "450-anna", Kind::kReplyAtRcpt, 450, "4.0.0"},
                                         LocalRow{"Code421", "421-x", Kind::kReplyAtRcpt, 421, "4.0.0"},
                                         LocalRow{"Unknown", "Unknown-17", Kind::kReplyAtRcpt, 550, "5.1.1"},
                                         LocalRow{"Full", "full-17", Kind::kReplyAtRcpt, 452, "4.2.2"},
                                         LocalRow{"Spam", "spam-17", Kind::kReplyAfterData, 554, "5.7.1"},
                                         LocalRow{"Data", "data-552-x", Kind::kReplyAfterData, 552, "5.0.0"},
                                         LocalRow{"Once", "once-451-x", Kind::kReplyAtRcpt, 451, "4.0.0", 1},
                                         LocalRow{"Bounce", "bounce-x", Kind::kDsn, 0, "5.1.1"},
                                         LocalRow{"NoDash", "450anna", Kind::kAccept, 0, ""},
                                         LocalRow{"NoReplyCode", "250-anna", Kind::kAccept, 0, ""},
                                         LocalRow{"PrefixOnly", "unknown", Kind::kAccept, 0, ""}),
                         [](const auto& row) { return row.param.name; });

TEST(FateTable, FindsByAddressWhateverTheCase) {
  FateTable table;
  ASSERT_TRUE(
      table
          .AddText("# who\n\nAnna@A.example 550 5.1.1 Gone\r\nben@b.example accept\nanna@a.example dsn 5.1.1 x\n",
                   "fates.txt")
          .ok());
  EXPECT_EQ(table.size(), 2u);
  ASSERT_NE(table.Find("anna@a.example"), nullptr);
  EXPECT_TRUE(table.Find("anna@a.example")->kind == Kind::kDsn) << "the later line wins";
  EXPECT_TRUE(table.Find("ben@b.example")->kind == Kind::kAccept);
  EXPECT_EQ(table.Find("carl@c.example"), nullptr);
}

TEST(FateTable, NamesFileAndLine) {
  FateTable table;
  EXPECT_EQ(table.AddText("a@b accept\nnobody\n", "f.txt").message().substr(0, 8), "f.txt:2:");
  EXPECT_EQ(table.AddText("a@b 250 fine\n", "f.txt").message().substr(0, 8), "f.txt:1:");
}

}  // namespace
}  // namespace wavepost::testnet
