#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "common/smtp/classify.h"

namespace wavepost {
namespace {

TEST(RetryHint, Table) {
  const std::optional<absl::Duration> none;
  const struct {
    const char* text;
    std::optional<absl::Duration> hint;
  } rows[] = {
      {"try again in 300 seconds", absl::Seconds(300)},
      {"Greylisted for 5 minutes", absl::Minutes(5)},
      {"Greylisted for 300 seconds (see http://help.test/)", absl::Seconds(300)},
      {"retry later after 00:04:30", absl::Seconds(270)},
      {"Greylisting in action, please come back in 01:00:00", absl::Hours(1)},
      {"please retry in 4 minutes, 30 seconds", absl::Seconds(270)},
      {"Please wait 5m and retry", absl::Minutes(5)},
      {"retry after 1 hour and 10 min", absl::Minutes(70)},
      {"Bitte versuchen Sie es in 4 Minuten erneut", absl::Minutes(4)},
      {"in 10 Minuten wieder", absl::Minutes(10)},
      {"R\xc3\xa9"
       "essayez dans 2 heures",
       absl::Hours(2)},
      {"intente de nuevo en 15 minutos", absl::Minutes(15)},
      {"4.7.1 deferred by 192.0.2.5, try again in 60 s", absl::Seconds(60)},
      {"Повторите попытку через 5 минут", absl::Minutes(5)},
      {"请在300秒后重试", absl::Seconds(300)},
      {"10分後に再送してください", absl::Minutes(10)},
      {"probeer het opnieuw over 2 uur", absl::Hours(2)},
      {"每小时最多300秒", none},
      // not a time to come back
      {"", none},
      {"try again later", none},
      {"no more than 10 messages per 60 seconds, try later", none},
      {"no retry before: more than 100 connections per 1 hour", none},
      {"timeout after 300 seconds", none},
      {"the mailbox has been idle for 90 minutes", none},
      {"retry in 0 seconds", none},
      {"retry in 25 hours", none},
      {"retry in 99999999999999999999 seconds", none},
      {"retry in 9999999 hours", none},
      {"retry at 11:59:99", none},
      {"retry after 1:2:3:4", none},
      {"retry 4.7.1", none},
      {"retry in seconds", none},
  };
  for (const auto& row : rows) EXPECT_EQ(ParseRetryHint(row.text), row.hint) << row.text;
}

TEST(RetryHint, HostileTextIsBounded) {
  EXPECT_EQ(ParseRetryHint(std::string(1 << 20, '1')), std::nullopt);
  EXPECT_EQ(ParseRetryHint(std::string(1 << 20, ':')), std::nullopt);
  EXPECT_EQ(ParseRetryHint(std::string("retry in 1 s\0 2 s", 17)), absl::Seconds(3));
}

}  // namespace
}  // namespace wavepost
