#include "cli/exit_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/rpc/status.h"

namespace wavepost::cli {
namespace {

using testing::HasSubstr;

TEST(ExitCodeTest, Maps) {
  EXPECT_EQ(ExitCodeFor(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeFor(absl::InvalidArgumentError("x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeFor(absl::FailedPreconditionError("x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeFor(absl::UnauthenticatedError("x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeFor(UsageError("x")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeFor(absl::UnavailableError("x")), ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeFor(absl::DeadlineExceededError("x")), ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeFor(absl::NotFoundError("x")), ExitCode::kNotFound);
}

TEST(ErrorTextTest, UnreachableSaysWhereAndWhatToDo) {
  const std::string text = ErrorText(absl::UnavailableError("connection refused"), "127.0.0.1:7000");
  EXPECT_THAT(text, HasSubstr("no answer from 127.0.0.1:7000"));
  EXPECT_THAT(text, HasSubstr("wavepost-coordinator --config"));
  EXPECT_THAT(text, HasSubstr("--server"));
}

TEST(ErrorTextTest, BusyServerIsNotCalledUnreachable) {
  const std::string text =
      ErrorText(ApiError(absl::StatusCode::kUnavailable, "STOPPING", "shutting down"), "127.0.0.1:7000");
  EXPECT_THAT(text, HasSubstr("wavepost: shutting down\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("no answer")));
}

TEST(ErrorTextTest, EachViolationOnALine) {
  const std::string text =
      ErrorText(BadFields("UNKNOWN_VARIABLE",
                          {{"campaign.content.html", "line 3: no column 'nmae'"}, {"campaign.pool", "unknown"}}),
                "s");
  EXPECT_EQ(text, "wavepost: campaign.content.html: line 3: no column 'nmae'\nwavepost: campaign.pool: unknown\n");
}

TEST(ErrorTextTest, ControlCharactersNeverReachTheTerminal) {
  EXPECT_EQ(ErrorText(absl::NotFoundError("bad\x1b[31m"), "s").find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace wavepost::cli
