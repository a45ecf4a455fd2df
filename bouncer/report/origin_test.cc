#include "bouncer/report/origin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wavepost {
namespace {

struct AddressesRow {
  std::string name;
  std::string field;
  std::vector<std::string> want;
};

class AddressesInTest : public ::testing::TestWithParam<AddressesRow> {};

TEST_P(AddressesInTest, Finds) {
  EXPECT_EQ(AddressesIn(GetParam().field, 3), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, AddressesInTest,
    ::testing::Values(AddressesRow{"Bare", "a@b.c", {"a@b.c"}}, AddressesRow{"Name", "Eva <a@b.c>", {"a@b.c"}},
                      AddressesRow{"Type", "rfc822;a@b.c", {"a@b.c"}},
                      AddressesRow{"Two", "a@b.c, D <d@e.f>", {"a@b.c", "d@e.f"}},
                      AddressesRow{"NameThatLooksLikeOne", "\"a@b.c\" <d@e.f>", {"d@e.f"}},
                      AddressesRow{"Quoted", "\"a b\"@c.d", {"\"a b\"@c.d"}},
                      AddressesRow{"InQuotes", "'a@b.c'", {"a@b.c"}}, AddressesRow{"Twice", "a@b.c <a@b.c>", {"a@b.c"}},
                      AddressesRow{"Literal", "a@[192.0.2.1]", {"a@[192.0.2.1]"}},
                      AddressesRow{"FinalDot", "to a@b.c.", {"a@b.c"}},
                      AddressesRow{"AtMost", "a@b, c@d, e@f, g@h", {"a@b", "c@d", "e@f"}},
                      AddressesRow{"None", "undisclosed-recipients:;", {}}, AddressesRow{"OnlyAt", "@ a@ @b", {}}),
    [](const auto& row) { return row.param.name; });

HeaderFields Header(const std::string& name, const std::string& value) {
  return HeaderFields{{{name, value}}};
}

TEST(OriginTest, MailSystem) {
  EXPECT_TRUE(IsFromMailSystem(Header("from", "Mail Delivery System <MAILER-DAEMON@x>")));
  EXPECT_TRUE(IsFromMailSystem(Header("from", "Postmaster@x")));
  EXPECT_TRUE(IsFromMailSystem(Header("from", "<>")));
  EXPECT_TRUE(IsFromMailSystem(Header("return-path", "<>")));
  EXPECT_FALSE(IsFromMailSystem(Header("from", "eva@x")));
  EXPECT_FALSE(IsFromMailSystem(HeaderFields{}));
}

TEST(OriginTest, ListsAndAnswers) {
  EXPECT_TRUE(IsListMail(Header("list-id", "<l.x>")));
  EXPECT_TRUE(IsListMail(Header("precedence", "list")));
  EXPECT_FALSE(IsListMail(Header("precedence", "bulk")));
  EXPECT_TRUE(IsAnswer(Header("subject", "AW: x")));
  EXPECT_TRUE(IsAnswer(Header("references", "<a@b>")));
  EXPECT_FALSE(IsAnswer(Header("subject", "Rex")));
  EXPECT_EQ(WithoutReplyPrefixes("Re: AW: [l] x"), "[l] x");
}

}  // namespace
}  // namespace wavepost
