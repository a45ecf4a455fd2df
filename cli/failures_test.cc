#include "cli/failures.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace wavepost::cli {
namespace {

v1::Recipient Bounced(const std::string& address, v1::Reason reason, int code, const std::string& text) {
  v1::Recipient recipient;
  recipient.set_address(address);
  recipient.set_outcome(v1::BOUNCED);
  recipient.mutable_status()->set_reason(reason);
  recipient.mutable_status()->set_code(code);
  recipient.mutable_status()->set_text(text);
  return recipient;
}

TEST(FailuresTest, SortsByCountAndNamesTheTopDomain) {
  Failures failures;
  failures.Add(Bounced("a@one.example", v1::MAILBOX_FULL, 552, "552 full"));
  for (int i = 0; i < 3; ++i) failures.Add(Bounced("b@two.example", v1::USER_UNKNOWN, 550, "5.1.1 nobody\x07here"));
  failures.Add(Bounced("c@one.example", v1::USER_UNKNOWN, 550, "other"));
  failures.Add(Bounced("d@x.example", v1::REASON_UNSPECIFIED, 0, ""));
  const auto lines = failures.top(2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].reason, "user_unknown");
  EXPECT_EQ(lines[0].outcome, "bounced");
  EXPECT_EQ(lines[0].count, 4);
  EXPECT_EQ(lines[0].top_domain, "two.example");
  EXPECT_EQ(lines[0].top_domain_count, 3);
  EXPECT_EQ(lines[0].example, "550 5.1.1 nobody here");
  EXPECT_EQ(failures.top(9)[1].example, "552 full");  // the code stands there once
  EXPECT_EQ(failures.top(9)[2].reason, "not known");
}

TEST(FailuresTest, DomainsAreBounded) {
  Failures failures;
  for (size_t i = 0; i < kFailureDomainsMax + 100; ++i) {
    failures.Add(Bounced(absl::StrCat("a@", i, ".example"), v1::SPAM, 550, "spam"));
  }
  EXPECT_EQ(failures.top(1)[0].count, static_cast<int64_t>(kFailureDomainsMax) + 100);
  EXPECT_EQ(failures.top(1)[0].top_domain_count, 1);
}

}  // namespace
}  // namespace wavepost::cli
