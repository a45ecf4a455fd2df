#include "sender/link/answer_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace wavepost {
namespace {

using cluster::v1::Answer;
using cluster::v1::Question;
using testing::ElementsAre;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

Question Explain(int64_t id) {
  Question question;
  question.set_id(id);
  question.mutable_explain()->set_address("a@example.com");
  return question;
}

Question Trace(int64_t id, int seconds = 0) {
  Question question;
  question.set_id(id);
  question.mutable_trace()->set_domain("example.com");
  if (seconds > 0) question.mutable_trace()->mutable_duration()->set_seconds(seconds);
  return question;
}

Answer Paths() {
  Answer answer;
  answer.mutable_explanation()->add_paths();
  return answer;
}

Answer Lines(int count, const std::string& text = "line") {
  Answer answer;
  for (int i = 0; i < count; ++i) answer.mutable_trace()->add_lines()->set_text(text);
  return answer;
}

class AnswerDeskTest : public testing::Test {
 protected:
  std::vector<Answer> TakeAll() {
    std::vector<Answer> all;
    while (auto answer = desk_->Next()) all.push_back(*std::move(answer));
    return all;
  }

  int woken_ = 0;
  const std::shared_ptr<AnswerDesk> desk_ = std::make_shared<AnswerDesk>([this] { ++woken_; });
};

TEST_F(AnswerDeskTest, OneAnswerWithItsIdClosesAQuestion) {
  const auto answer = desk_->Open(Explain(7), kStart);
  answer(Paths());
  answer(Paths());
  const auto all = TakeAll();
  ASSERT_EQ(all.size(), 1);
  EXPECT_EQ(all[0].id(), 7);
  EXPECT_EQ(woken_, 1);
}

TEST_F(AnswerDeskTest, SixtyFourAreOpenAtMostAndNoIdTwice) {
  for (int64_t id = 0; id < 64; ++id) EXPECT_NE(desk_->Open(Explain(id), kStart), nullptr);
  EXPECT_EQ(desk_->Open(Explain(64), kStart), nullptr);
  EXPECT_TRUE(desk_->Close(3));
  EXPECT_EQ(desk_->Open(Explain(4), kStart), nullptr) << "is open";
  EXPECT_NE(desk_->Open(Explain(64), kStart), nullptr);
}

TEST_F(AnswerDeskTest, TraceLinesArePackedAndTheRestIsCounted) {
  const auto answer = desk_->Open(Trace(1), kStart);
  for (int i = 0; i < 150; ++i) answer(Lines(10));
  EXPECT_EQ(desk_->lines_dropped(), 1500 - 999);
  auto all = TakeAll();
  ASSERT_EQ(all.size(), 5);
  EXPECT_EQ(all[0].trace().lines_size(), AnswerDesk::kLinesPerMessage);
  answer(Lines(1, "later"));
  all = TakeAll();
  ASSERT_EQ(all.size(), 1);
  ASSERT_EQ(all[0].trace().lines_size(), 2);
  EXPECT_EQ(all[0].trace().lines(0).text(), "501 lines left out: the reader is too slow");
  EXPECT_EQ(all[0].trace().lines(1).text(), "later");
}

TEST_F(AnswerDeskTest, TwoTracesKeepTheirLinesApart) {
  const auto first = desk_->Open(Trace(1), kStart);
  const auto second = desk_->Open(Trace(2), kStart);
  first(Lines(1));
  second(Lines(1));
  first(Lines(1));
  std::vector<int64_t> ids;
  for (const Answer& answer : TakeAll()) ids.push_back(answer.id());
  EXPECT_THAT(ids, ElementsAre(1, 2, 1));
}

TEST_F(AnswerDeskTest, AnAnswerWithNothingEndsATrace) {
  const auto answer = desk_->Open(Trace(1), kStart);
  answer(Lines(1));
  answer(Answer());
  answer(Lines(1));
  const auto all = TakeAll();
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[1].answer_case(), Answer::ANSWER_NOT_SET);
  EXPECT_FALSE(desk_->Close(1));
}

TEST_F(AnswerDeskTest, TracesEndWithTheirTime) {
  desk_->Open(Trace(1, 30), kStart);
  desk_->Open(Trace(2, 86400), kStart);
  desk_->Open(Explain(3), kStart);
  EXPECT_THAT(desk_->CloseExpired(kStart + absl::Seconds(29)), ElementsAre());
  EXPECT_THAT(desk_->CloseExpired(kStart + absl::Seconds(30)), ElementsAre(1));
  EXPECT_THAT(desk_->CloseExpired(kStart + absl::Minutes(10)), ElementsAre(2)) << "ten minutes are the most";
  EXPECT_THAT(desk_->CloseExpired(kStart + absl::Hours(10)), ElementsAre());
  EXPECT_FALSE(desk_->Close(3)) << "a question that nobody answered makes room too";
}

TEST_F(AnswerDeskTest, WhatABrokenStreamAskedIsAnsweredToNobody) {
  const auto stale = desk_->Open(Explain(1), kStart);
  const auto trace = desk_->Open(Trace(2), kStart);
  trace(Lines(5));
  EXPECT_THAT(desk_->Reset(), ElementsAre(2));
  const auto fresh = desk_->Open(Explain(1), kStart);
  stale(Paths());
  trace(Lines(5));
  EXPECT_TRUE(TakeAll().empty());
  fresh(Paths());
  EXPECT_EQ(TakeAll().size(), 1);
}

TEST_F(AnswerDeskTest, NobodyIsWokenAfterDetach) {
  const auto answer = desk_->Open(Explain(1), kStart);
  desk_->Detach();
  answer(Paths());
  EXPECT_EQ(woken_, 0);
}

}  // namespace
}  // namespace wavepost
