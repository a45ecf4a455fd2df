#include "coordinator/domains/certificate_watch.h"

#include <gmock/gmock.h>

#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

const absl::Time kEnd = absl::FromCivil(absl::CivilMinute(2026, 3, 31, 12, 0), absl::UTCTimeZone());
constexpr absl::Duration kDay = absl::Hours(24);

struct StepRow {
  const char* name;
  absl::Duration left;
  std::optional<int> step;
};

class DaysLeftTest : public testing::TestWithParam<StepRow> {};

TEST_P(DaysLeftTest, Steps) {
  EXPECT_EQ(DaysLeftStep(kEnd, kEnd - GetParam().left), GetParam().step);
}

INSTANTIATE_TEST_SUITE_P(Rows, DaysLeftTest,
                         testing::Values(StepRow{"Long", 30 * kDay + absl::Seconds(1), std::nullopt},
                                         StepRow{"Thirty", 30 * kDay, 30}, StepRow{"Fifteen", 15 * kDay, 30},
                                         StepRow{"Fourteen", 14 * kDay, 14}, StepRow{"Eight", 8 * kDay, 14},
                                         StepRow{"Seven", 7 * kDay, 7}, StepRow{"Three", 3 * kDay, 3},
                                         StepRow{"Two", 2 * kDay, 3}, StepRow{"One", kDay, 1},
                                         StepRow{"LastSecond", absl::Seconds(1), 1},
                                         StepRow{"Over", absl::ZeroDuration(), 0}, StepRow{"LongOver", -90 * kDay, 0}),
                         [](const auto& row) { return row.param.name; });

TEST(ExpiryTextTest, SaysWhichWhenAndWhatToDo) {
  v1::Certificate certificate;
  certificate.add_addresses("news@a.example");
  certificate.set_issuer("CN=Test\r\nCA");
  *certificate.mutable_not_after() = ToProtoTime(kEnd);
  EXPECT_EQ(ExpiryText(certificate, kEnd - 13 * kDay - absl::Hours(1)).find('\n'), std::string::npos);
  EXPECT_THAT(ExpiryText(certificate, kEnd - 13 * kDay - absl::Hours(1)),
              testing::AllOf(testing::HasSubstr("news@a.example"),
                             testing::HasSubstr("ends on 2026-03-31 12:00 UTC, in 14 days"),
                             testing::HasSubstr("wavepost certificates add")));
  EXPECT_THAT(ExpiryText(certificate, kEnd - absl::Hours(2)), testing::HasSubstr("in 1 day:"));
  EXPECT_THAT(ExpiryText(certificate, kEnd), testing::HasSubstr("ended on 2026-03-31"));
}

}  // namespace
}  // namespace wavepost
