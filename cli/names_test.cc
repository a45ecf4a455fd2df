#include "cli/names.h"

#include <gtest/gtest.h>

#include <string>

#include "cli/exit_code.h"

namespace wavepost::cli {
namespace {

TEST(NamesTest, ShortAndFullForms) {
  EXPECT_EQ(*CampaignName("spring", "t"), "tenants/t/campaigns/spring");
  EXPECT_EQ(*CampaignName("spring", "tenants/t"), "tenants/t/campaigns/spring");
  EXPECT_EQ(*CampaignName("tenants/x/campaigns/spring", "t"), "tenants/x/campaigns/spring");
  EXPECT_EQ(*WaveName("spring/main", "t"), "tenants/t/campaigns/spring/waves/main");
  EXPECT_EQ(*RecipientName("spring/main/w1-2", "t"), "tenants/t/campaigns/spring/waves/main/recipients/w1-2");
  EXPECT_EQ(*DomainName("example.com", "t"), "tenants/t/sendingDomains/example.com");
  EXPECT_EQ(*DomainName("Example.COM.", "t"), "tenants/t/sendingDomains/example.com");
  EXPECT_EQ(*FileName("ab", "t"), "tenants/t/files/ab");
  EXPECT_EQ(*CertificateName("tenants/x/certificates/ab", "t"), "tenants/x/certificates/ab");
  EXPECT_EQ(*SuppressionName("Jane@Example.com", "t"), "tenants/t/suppressions/jane@example.com");
  EXPECT_EQ(*SuppressionName("a/b@example.com", "t"), "tenants/t/suppressions/a/b@example.com");
}

TEST(NamesTest, WrongFormsAreUsageErrors) {
  for (const auto& name : {CampaignName("", "t"), CampaignName("a/b", "t"), CampaignName("tenants/x", "t"),
                           CampaignName("tenants/x/waves/y", "t"), CampaignName("a", ""), CampaignName("a", "b/c"),
                           WaveName("spring", "t"), WaveName("spring//", "t"), RecipientName("spring/main", "t"),
                           SuppressionName("nobody", "t")}) {
    EXPECT_EQ(ExitCodeFor(name.status()), ExitCode::kUsage) << name.value_or("error");
  }
}

TEST(NamesTest, Leaf) {
  EXPECT_EQ(Leaf("tenants/t/campaigns/c"), "c");
  EXPECT_EQ(Leaf("c"), "c");
}

struct MailboxRow {
  const char* name;
  const char* text;
  const char* want_name;
  const char* want_address;  // nullptr: refused
};

class MailboxTest : public testing::TestWithParam<MailboxRow> {};

TEST_P(MailboxTest, Parses) {
  const auto mailbox = ParseMailbox(GetParam().text);
  if (GetParam().want_address == nullptr) {
    EXPECT_EQ(ExitCodeFor(mailbox.status()), ExitCode::kUsage);
    return;
  }
  ASSERT_TRUE(mailbox.ok()) << mailbox.status();
  EXPECT_EQ(mailbox->name, GetParam().want_name);
  EXPECT_EQ(mailbox->address, GetParam().want_address);
}

INSTANTIATE_TEST_SUITE_P(Good, MailboxTest,
                         testing::Values(MailboxRow{"Plain", "a@b.example", "", "a@b.example"},
                                         MailboxRow{"Named", "Jörg Müller <a@b.example>", "Jörg Müller", "a@b.example"},
                                         MailboxRow{"Quoted", "\"Müller, Inc.\" <a@b.example>", "Müller, Inc.",
                                                    "a@b.example"},
                                         MailboxRow{"Template", "{{company}} <a@b>", "{{company}}", "a@b"},
                                         MailboxRow{"Angles", " <a@b> ", "", "a@b"}),
                         [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(Bad, MailboxTest,
                         testing::Values(MailboxRow{"Empty", "", "", nullptr}, MailboxRow{"NoAt", "Jane", "", nullptr},
                                         MailboxRow{"Open", "Jane <a@b", "", nullptr},
                                         MailboxRow{"TextAfter", "Jane <a@b> x", "", nullptr},
                                         MailboxRow{"Two", "a@b, c@d", "", nullptr},
                                         MailboxRow{"NoLocal", "@b", "", nullptr}),
                         [](const auto& test) { return test.param.name; });

TEST(HeaderTest, Parses) {
  EXPECT_EQ(ParseHeader("X-Campaign:  spring ")->name, "X-Campaign");
  EXPECT_EQ(ParseHeader("X-Campaign:  spring ")->value, "spring");
  for (const char* text : {"", "X", ": x", "X: a\r\nBcc: b"}) EXPECT_FALSE(ParseHeader(text).ok()) << text;
}

}  // namespace
}  // namespace wavepost::cli
