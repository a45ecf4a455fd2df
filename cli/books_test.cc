#include "cli/books.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wavepost::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

v1::WaveCounts Counts(int64_t delivered, int64_t bounced, int64_t open) {
  v1::WaveCounts counts;
  counts.set_accepted(delivered + bounced + open);
  counts.set_delivered(delivered);
  counts.set_bounced(bounced);
  counts.set_open(open);
  return counts;
}

v1::AuditWaveResponse Audit(const v1::WaveCounts& counts) {
  v1::AuditWaveResponse audit;
  *audit.mutable_recounted() = counts;
  *audit.mutable_counters() = counts;
  audit.set_balanced(true);
  return audit;
}

TEST(BooksTest, BalancedWavesAddUp) {
  Books books;
  AddWave("a", Audit(Counts(5, 2, 1)), Counts(5, 2, 1), Audit(Counts(5, 2, 1)), &books);
  AddWave("b", Audit(Counts(1, 0, 0)), Counts(1, 0, 0), Audit(Counts(1, 0, 0)), &books);
  EXPECT_TRUE(books.balanced);
  EXPECT_FALSE(books.moved);
  EXPECT_EQ(books.counts.accepted(), 9);
  EXPECT_EQ(books.counts.delivered(), 6);
  EXPECT_THAT(books.findings, IsEmpty());
}

TEST(BooksTest, LawIsCheckedHereToo) {
  v1::WaveCounts counts = Counts(5, 2, 1);
  counts.set_accepted(9);
  Books books;
  AddWave("a", Audit(counts), counts, Audit(counts), &books);
  EXPECT_FALSE(books.balanced);
  EXPECT_THAT(books.findings, ElementsAre(HasSubstr("accepted 9, but the outcomes and the open ones come to 8")));
}

TEST(BooksTest, ListingMustAgree) {
  Books books;
  AddWave("a", Audit(Counts(5, 2, 1)), Counts(6, 1, 1), Audit(Counts(5, 2, 1)), &books);
  EXPECT_FALSE(books.balanced);
  EXPECT_THAT(books.findings,
              ElementsAre(HasSubstr("delivered: 6 recipients are listed, 5 counted"), HasSubstr("bounced")));
}

TEST(BooksTest, MovingBooksAreNotBlamed) {
  Books books;
  AddWave("a", Audit(Counts(5, 2, 1)), Counts(5, 2, 1), Audit(Counts(6, 2, 0)), &books);
  EXPECT_TRUE(books.balanced);
  EXPECT_TRUE(books.moved);
}

TEST(BooksTest, CoordinatorsFindingsCount) {
  v1::AuditWaveResponse audit = Audit(Counts(1, 0, 0));
  audit.set_balanced(false);
  Books silent;
  AddWave("a", audit, Counts(1, 0, 0), audit, &silent);
  EXPECT_FALSE(silent.balanced);
  EXPECT_EQ(silent.findings.size(), 1u);
  audit.add_findings("delivered: counter says 2");
  Books told;
  AddWave("a", audit, Counts(1, 0, 0), audit, &told);
  EXPECT_THAT(told.findings, ElementsAre("a: delivered: counter says 2"));
}

TEST(CountRecipientTest, EveryOutcomeHasItsCount) {
  v1::WaveCounts counts;
  for (int i = v1::Outcome_MIN; i <= v1::Outcome_MAX; ++i) {
    v1::Recipient recipient;
    recipient.set_outcome(static_cast<v1::Outcome>(i));
    CountRecipient(recipient, &counts);
  }
  EXPECT_EQ(counts.accepted(), 7);
  EXPECT_EQ(SumOfOutcomes(counts), 7);
  EXPECT_EQ(counts.open(), 1);
  EXPECT_EQ(counts.capped(), 1);
}

}  // namespace
}  // namespace wavepost::cli
