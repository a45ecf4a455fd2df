#include "coordinator/dispatch/key_book.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

cluster::v1::KeySet Set(const std::string& domain, const std::string& version) {
  cluster::v1::KeySet out;
  out.set_tenant("tenants/a");
  out.set_domain(domain);
  out.set_version(version);
  return out;
}

cluster::v1::Hello HelloWith(const std::vector<cluster::v1::KeySet>& sets) {
  cluster::v1::Hello hello;
  for (const auto& set : sets) {
    auto& known = *hello.add_key_sets();
    known.set_tenant(set.tenant());
    known.set_domain(set.domain());
    known.set_version(set.version());
  }
  return hello;
}

TEST(KeyBookTest, ABatchBringsWhatTheNodeDoesNotHave) {
  KeyBook book(HelloWith({Set("a.example", "1")}));
  EXPECT_FALSE(book.OnBatch(Set("a.example", "1"), 0)) << "said in the hello";
  EXPECT_TRUE(book.OnBatch(Set("a.example", "2"), 0));
  EXPECT_FALSE(book.OnBatch(Set("a.example", "2"), 0)) << "sent";
  EXPECT_TRUE(book.OnBatch(Set("b.example", "2"), 0)) << "another domain";
  auto other = Set("a.example", "2");
  other.set_tenant("tenants/b");
  EXPECT_TRUE(book.OnBatch(other, 0)) << "another tenant's key set for the same domain is another one";
}

TEST(KeyBookTest, ANewGenerationGoesThroughAllOnceAndOneByOne) {
  KeyBook book(HelloWith({Set("a.example", "1"), Set("b.example", "1")}));
  EXPECT_FALSE(book.NextToCheck().has_value()) << "no generation yet";
  book.OnGeneration(7);
  const auto first = book.NextToCheck();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->domain, "a.example");
  EXPECT_FALSE(book.NextToCheck().has_value()) << "one is being read";
  EXPECT_TRUE(book.OnChecked(Set("a.example", "2")));
  const auto second = book.NextToCheck();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->domain, "b.example");
  EXPECT_FALSE(book.OnChecked(Set("b.example", "1"))) << "has not changed";
  EXPECT_FALSE(book.NextToCheck().has_value());
  book.OnGeneration(7);
  EXPECT_FALSE(book.NextToCheck().has_value()) << "the same generation";
  book.OnGeneration(8);
  EXPECT_TRUE(book.NextToCheck().has_value());
}

TEST(KeyBookTest, AGenerationThatRisesWhileOneIsReadGoesThroughThatOneAgain) {
  KeyBook book(HelloWith({Set("a.example", "1")}));
  book.OnGeneration(1);
  ASSERT_TRUE(book.NextToCheck().has_value());
  book.OnGeneration(2);
  EXPECT_FALSE(book.OnChecked(Set("a.example", "1")));
  EXPECT_TRUE(book.NextToCheck().has_value()) << "what was read may be older than the change";
}

TEST(KeyBookTest, WhatABatchBringsFromBeforeAChangeIsLookedAtOnceMore) {
  KeyBook book(HelloWith({}));
  book.OnGeneration(5);
  EXPECT_TRUE(book.OnBatch(Set("a.example", "1"), 4)) << "read before the change";
  ASSERT_TRUE(book.NextToCheck().has_value());
  EXPECT_TRUE(book.OnChecked(Set("a.example", "2")));
  EXPECT_FALSE(book.OnBatch(Set("a.example", "2"), 5));
  EXPECT_FALSE(book.NextToCheck().has_value());
}

TEST(KeyBookTest, OneThatCannotBeReadDoesNotHoldUpTheOthers) {
  KeyBook book(HelloWith({Set("a.example", "1"), Set("b.example", "1")}));
  book.OnGeneration(1);
  ASSERT_EQ(book.NextToCheck()->domain, "a.example");
  book.OnUnreadable();
  EXPECT_EQ(book.NextToCheck()->domain, "b.example");
}

TEST(KeyBookTest, TakesNoMoreThanTheLimitFromAHello) {
  cluster::v1::Hello hello;
  for (int i = 0; i < KeyBook::kKeySetsMax + 5; ++i) {
    hello.add_key_sets()->set_domain(std::to_string(i));
  }
  KeyBook book(hello);
  book.OnGeneration(1);
  int checked = 0;
  while (const auto name = book.NextToCheck()) {
    ++checked;
    cluster::v1::KeySet same;
    same.set_domain(name->domain);
    EXPECT_FALSE(book.OnChecked(same));
  }
  EXPECT_EQ(checked, KeyBook::kKeySetsMax);
}

}  // namespace
}  // namespace wavepost
