// Questions to nodes, and who may be a node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/dispatch/node_identity.h"
#include "coordinator/dispatch/question_book.h"

namespace wavepost {
namespace {

using cluster::v1::Answer;
using cluster::v1::Question;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

class QuestionBookTest : public testing::Test {
 protected:
  QuestionBook::Outgoing Ask(std::vector<std::string> nodes, absl::Duration timeout = absl::Seconds(5)) {
    std::map<std::string, Question> questions;
    for (const std::string& node : nodes) questions[node].mutable_explain()->set_address(node);
    return book_.Ask(
        questions, [](const std::string& node) { return node != "away"; }, kStart + timeout,
        [this](NodeAnswers answers) {
          ++done_;
          answers_ = std::move(answers);
        });
  }

  QuestionBook::Outgoing Trace(int64_t id, std::vector<std::string> nodes) {
    v1::TraceRequest request;
    request.set_domain("example.com");
    return book_.StartTrace(
        id, nodes, request, [](const std::string& node) { return node != "away"; }, kStart + absl::Minutes(1),
        [this](cluster::v1::TraceLines lines) { lines_ += lines.lines_size(); },
        [this](absl::Status status) {
          ++done_;
          ended_ = std::move(status);
        });
  }

  static Answer Explained(int64_t id) {
    Answer answer;
    answer.set_id(id);
    answer.mutable_explanation()->add_paths();
    return answer;
  }

  static Answer Line(int64_t id) {
    Answer answer;
    answer.set_id(id);
    answer.mutable_trace()->add_lines();
    return answer;
  }

  QuestionBook book_;
  int done_ = 0;
  int lines_ = 0;
  NodeAnswers answers_;
  absl::Status ended_;
};

TEST_F(QuestionBookTest, IsDoneWhenAllHaveAnswered) {
  const auto out = Ask({"a", "b", "away"});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].first, "a");
  EXPECT_EQ(out[0].second.explain().address(), "a");
  EXPECT_NE(out[0].second.id(), out[1].second.id());
  book_.OnAnswer("a", Explained(out[0].second.id()));
  EXPECT_EQ(done_, 0);
  book_.OnAnswer("a", Explained(out[0].second.id()));  // again
  book_.OnAnswer("a", Explained(out[1].second.id()));  // not its own
  EXPECT_EQ(done_, 0);
  book_.OnAnswer("b", Explained(out[1].second.id()));
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(answers_.answers.size(), 2u);
  EXPECT_THAT(answers_.silent, ElementsAre("away"));
  EXPECT_EQ(book_.open(), 0u);
}

TEST_F(QuestionBookTest, NobodyToAskIsDoneAtOnce) {
  EXPECT_THAT(Ask({"away"}), IsEmpty());
  EXPECT_EQ(done_, 1);
  EXPECT_THAT(answers_.silent, ElementsAre("away"));
  Ask({});
  EXPECT_EQ(done_, 2);
}

TEST_F(QuestionBookTest, TheDeadlineEndsIt) {
  const auto out = Ask({"a", "b"});
  book_.OnAnswer("a", Explained(out[0].second.id()));
  EXPECT_THAT(book_.OnTick(kStart + absl::Seconds(4)), IsEmpty());
  EXPECT_EQ(done_, 0);
  book_.OnTick(kStart + absl::Seconds(5));
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(answers_.answers.size(), 1u);
  EXPECT_THAT(answers_.silent, ElementsAre("b"));
  book_.OnAnswer("b", Explained(out[1].second.id()));  // too late
  EXPECT_EQ(done_, 1);
}

TEST_F(QuestionBookTest, ANodeThatGoesIsSilent) {
  Ask({"a", "b"});
  book_.OnNodeGone("a");
  book_.OnNodeGone("b");
  EXPECT_EQ(done_, 1);
  EXPECT_THAT(answers_.silent, UnorderedElementsAre("a", "b"));
}

TEST_F(QuestionBookTest, ANodeIsAskedOnlySoMuch) {
  for (size_t i = 0; i < QuestionBook::kOpenPerNodeMax; ++i) EXPECT_EQ(Ask({"a"}).size(), 1u);
  EXPECT_THAT(Ask({"a"}), IsEmpty());
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(Ask({"b"}).size(), 1u);
}

TEST_F(QuestionBookTest, TracesBringLinesUntilTheyAreStopped) {
  const auto out = Trace(1, {"a", "b", "away"});
  ASSERT_EQ(out.size(), 2u);
  book_.OnAnswer("a", Line(out[0].second.id()));
  book_.OnAnswer("b", Line(out[1].second.id()));
  book_.OnAnswer("a", Line(out[0].second.id()));
  EXPECT_EQ(lines_, 3);
  const auto stops = book_.StopTrace(1);
  ASSERT_EQ(stops.size(), 2u);
  EXPECT_EQ(stops[0].second.stop_trace(), out[0].second.id());
  EXPECT_EQ(done_, 1);
  EXPECT_TRUE(ended_.ok());
  book_.OnAnswer("a", Line(out[0].second.id()));
  EXPECT_EQ(lines_, 3);
  EXPECT_THAT(book_.StopTrace(1), IsEmpty());
}

TEST_F(QuestionBookTest, TracesEndWithTheirTimeOrWithTheirNodes) {
  Trace(1, {"a"});
  EXPECT_EQ(book_.OnTick(kStart + absl::Minutes(1)).size(), 1u);
  EXPECT_EQ(done_, 1);
  const auto out = Trace(2, {"a", "b"});
  book_.OnNodeGone("a");
  EXPECT_EQ(done_, 1);
  Answer end;
  end.set_id(out[1].second.id());
  book_.OnAnswer("b", end);
  EXPECT_EQ(done_, 2);
  Trace(3, {"away"});
  EXPECT_EQ(done_, 3);
  EXPECT_TRUE(absl::IsUnavailable(ended_));
}

TEST_F(QuestionBookTest, AStopEndsEverything) {
  Ask({"a"});
  Trace(1, {"a"});
  book_.Stop();
  EXPECT_EQ(done_, 2);
  EXPECT_TRUE(absl::IsUnavailable(ended_));
  EXPECT_EQ(book_.open(), 0u);
}

struct IdentityRow {
  const char* name;
  const char* data_id;
  const char* former;
  bool attached;
  int gone_minutes;
  bool allowed;
};

class CheckIdentityTest : public testing::TestWithParam<IdentityRow> {};

TEST_P(CheckIdentityTest, Decides) {
  const IdentityRow& row = GetParam();
  const absl::Status status = CheckIdentity(
      "sender-0", row.data_id,
      {.data_id = row.former, .attached = row.attached, .last_heard = kStart - absl::Minutes(row.gone_minutes)}, kStart,
      absl::Hours(1), absl::Minutes(2));
  EXPECT_EQ(status.ok(), row.allowed) << status;
  if (!row.allowed) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status));
    EXPECT_EQ(ReasonOf(status), "NODE_ID_IN_USE");
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, CheckIdentityTest,
                         testing::Values(IdentityRow{"Restart", "one", "one", true, 0, true},
                                         IdentityRow{"RestartLater", "one", "one", false, 1, true},
                                         IdentityRow{"OtherIsAttached", "two", "one", true, 0, false},
                                         IdentityRow{"OtherMaySend", "two", "one", false, 59, false},
                                         IdentityRow{"OtherWasRenewedInItsSilence", "two", "one", false, 61, false},
                                         IdentityRow{"LeaseIsOver", "two", "one", false, 62, true},
                                         IdentityRow{"FirstWithAFolder", "one", "", true, 0, true},
                                         IdentityRow{"DoesNotSay", "", "one", true, 0, true}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
