#include "cli/exit_code.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"

namespace wavepost::cli {
namespace {

constexpr char kUsageUrl[] = "wavepost/usage";
constexpr char kFileUrl[] = "wavepost/file";
constexpr size_t kViolationsMax = 20;

// An answer of the server carries ErrorInfo; what gRPC itself reports (refused connection, deadline) carries none.
bool SaidByServer(const absl::Status& status) {
  return !ReasonOf(status).empty();
}

std::string Advice(const absl::Status& status, std::string_view server) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      if (SaidByServer(status)) return "The coordinator answers but cannot do this now; try again in a moment.\n";
      return absl::StrCat(
          "Is the coordinator running there? Start it with 'wavepost-coordinator --config FILE', or name "
          "another one with --server HOST:PORT or WAVEPOST_SERVER (now ",
          Av(server), ").\n");
    case absl::StatusCode::kDeadlineExceeded:
      return absl::StrCat("The coordinator at ", Av(server), " is slow or hangs; look at its log, then try again.\n");
    case absl::StatusCode::kUnauthenticated:
      return "Give an API key with --api-key-file FILE or WAVEPOST_API_KEY; an operator makes one with 'wavepost keys "
             "create'.\n";
    case absl::StatusCode::kPermissionDenied:
      return "The API key belongs to another tenant, or this needs an operator; see --tenant and --api-key-file.\n";
    default:
      return "";
  }
}

}  // namespace

absl::Status UsageError(std::string_view message) {
  absl::Status status = absl::InvalidArgumentError(Av(message));
  status.SetPayload(kUsageUrl, absl::Cord("1"));
  return status;
}

absl::Status FileError(absl::Status status) {
  if (!status.ok()) status.SetPayload(kFileUrl, absl::Cord("1"));
  return status;
}

ExitCode ExitCodeFor(const absl::Status& status) {
  if (status.GetPayload(kUsageUrl).has_value()) return ExitCode::kUsage;
  if (status.GetPayload(kFileUrl).has_value()) return ExitCode::kFile;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    default:
      return ExitCode::kFailed;
  }
}

std::string ErrorText(const absl::Status& status, std::string_view server) {
  if (status.ok()) return "";
  const auto violations = ViolationsOf(status);
  std::string text;
  if (violations.empty()) {
    text = absl::StrCat("wavepost: ", Printable(Sv(status.message())).c_str(), "\n");
  } else {
    for (size_t i = 0; i < violations.size() && i < kViolationsMax; ++i) {
      absl::StrAppend(&text, "wavepost: ", Printable(violations[i].field).c_str(), ": ",
                      Printable(violations[i].description).c_str(), "\n");
    }
    if (violations.size() > kViolationsMax) {
      absl::StrAppend(&text, "wavepost: and ", violations.size() - kViolationsMax, " more\n");
    }
  }
  if (status.GetPayload(kFileUrl).has_value()) return text;  // the server has no part in it
  if (status.code() == absl::StatusCode::kUnavailable && !SaidByServer(status)) {
    text = absl::StrCat("wavepost: no answer from ", Av(server), ": ", Printable(Sv(status.message())).c_str(), "\n");
  }
  return text + Advice(status, server);
}

}  // namespace wavepost::cli
