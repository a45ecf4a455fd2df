#include "coordinator/domains/spf_walk.h"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/dns/zone_resolver.h"
#include "coordinator/domains/domain_lookup.h"

namespace wavepost {
namespace {

Awaitable<void> WalkInto(DomainLookup* lookup, SpfRecord record, std::optional<SpfWalk>* out) {
  *out = co_await WalkSpf(lookup, "x.test", std::move(record), "ours.test");
}

SpfWalk Walk(const std::string& zone, const std::string& record, int questions_max = 60, int* asked = nullptr) {
  const auto resolver = ZoneResolver::Parse(zone).value();
  DomainLookup lookup(resolver.get(), DeadlineAfter(absl::Milliseconds(10)), questions_max);
  asio::io_context io;
  std::optional<SpfWalk> walk;
  asio::co_spawn(io, WalkInto(&lookup, ParseSpf(record), &walk), asio::detached);
  io.run();
  if (asked != nullptr) *asked = lookup.asked();
  return *std::move(walk);
}

TEST(WalkSpf, CountsWhatReceiversCount) {
  const std::string zone = R"(
a.test TXT "v=spf1 include:b.test mx:m.test -all a:never.test"
b.test TXT "v=spf1 ip4:192.0.2.1 -all"
m.test MX 10 h.test
ours.test TXT "v=spf1 -all"
)";
  const struct {
    const char* record;
    int lookups, voids;
  } rows[] = {
      {"v=spf1 ip4:192.0.2.1 ip6:::1 -all", 0, 0},
      {"v=spf1 include:b.test -all", 1, 0},
      {"v=spf1 include:a.test -all", 3, 0},
      {"v=spf1 include:a.test include:a.test -all", 6, 0},
      {"v=spf1 redirect=a.test", 3, 0},
      {"v=spf1 -all redirect=a.test", 0, 0},
      {"v=spf1 -all include:a.test", 0, 0},
      {"v=spf1 redirect=a.test mx:m.test", 4, 0},
      {"v=spf1 a:gone.test mx:gone.test exists:gone.test include:gone.test -all", 4, 4},
      {"v=spf1 ptr exists:%{i}.x.test include:%{d}.test -all", 3, 0},
      {"v=spf1 exp=gone.test -all", 0, 0},
  };
  for (const auto& row : rows) {
    const SpfWalk walk = Walk(zone, row.record);
    EXPECT_EQ(walk.lookups, row.lookups) << row.record;
    EXPECT_EQ(walk.voids.size(), static_cast<size_t>(row.voids)) << row.record;
  }
}

TEST(WalkSpf, SeesOurs) {
  const std::string zone = R"(
ours.test TXT "v=spf1 -all"
good.test TXT "v=spf1 include:ours.test -all"
late.test TXT "v=spf1 -all include:ours.test"
weak.test TXT "v=spf1 ?include:ours.test -all"
)";
  const std::pair<const char*, SpfWalk::Ours> rows[] = {
      {"v=spf1 include:OURS.test -all", SpfWalk::kEffective},
      {"v=spf1 include:good.test -all", SpfWalk::kEffective},
      {"v=spf1 redirect=good.test", SpfWalk::kEffective},
      {"v=spf1 ?include:good.test -all", SpfWalk::kQualified},
      {"v=spf1 include:weak.test -all", SpfWalk::kQualified},
      {"v=spf1 include:late.test -all", SpfWalk::kBehindAll},
      {"v=spf1 -all include:ours.test", SpfWalk::kBehindAll},
      {"v=spf1 -all include:good.test", SpfWalk::kAbsent},
      {"v=spf1 include:late.test include:good.test -all", SpfWalk::kEffective},
      {"v=spf1 -all", SpfWalk::kAbsent},
  };
  for (const auto& [record, ours] : rows) EXPECT_EQ(Walk(zone, record).ours, ours) << record;
}

TEST(WalkSpf, EndsOnHostileRecords) {
  // Every record includes ten others, each of a hundred: 10^100 ways.
  std::string zone;
  for (int i = 0; i < 100; ++i) {
    absl::StrAppend(&zone, "n", i, ".test TXT \"v=spf1");
    for (int k = 1; k <= 10; ++k) absl::StrAppend(&zone, " include:n", (i + k) % 100, ".test");
    absl::StrAppend(&zone, " -all\"\n");
  }
  int asked = 0;
  const SpfWalk walk = Walk(zone, "v=spf1 include:n0.test -all", 60, &asked);
  EXPECT_TRUE(walk.ended);
  EXPECT_EQ(walk.lookups, kSpfLookupsCountedMax + 1);
  EXPECT_LE(asked, kSpfLookupsCountedMax);

  std::string chain;
  for (int i = 0; i < 30; ++i) absl::StrAppend(&chain, "c", i, ".test TXT \"v=spf1 redirect=c", i + 1, ".test\"\n");
  EXPECT_EQ(Walk(chain, "v=spf1 redirect=c0.test").trouble, SpfWalk::kLoop) << "deeper than anybody goes";
}

TEST(WalkSpf, QuestionsThatAreUsedUpAreNoAnswers) {
  const SpfWalk walk =
      Walk("a.test TXT \"v=spf1 -all\"\nb.test TXT \"v=spf1 -all\"", "v=spf1 include:a.test include:b.test",
           /*questions_max=*/1);
  EXPECT_EQ(walk.unanswered, "b.test");
  EXPECT_EQ(walk.trouble, SpfWalk::kNone);
}

}  // namespace
}  // namespace wavepost
