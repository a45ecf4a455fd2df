// What the process tells its caller, and how an error is put into words.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace wavepost::cli {

// Fixed: scripts branch on these.
enum class ExitCode {
  kOk = 0,
  kFailed = 1,       // the server said no
  kUsage = 2,        // the command line is wrong
  kUnreachable = 3,  // no answer from the server
  kNotFound = 4,     // the named thing does not exist
  kUnbalanced = 5,   // audit: the books do not balance, or differ from the ledger
  kFile = 6,         // a file on this machine cannot be read or written, or is not what it should be
};

// A mistake of the command line that only shows when its values are looked at (a From address that is none).
absl::Status UsageError(std::string_view message);

// A trouble with a file on this machine. OK stays OK.
absl::Status FileError(absl::Status status);

ExitCode ExitCodeFor(const absl::Status& status);

// Lines for people, each with '\n': what failed, where, what to do. Field violations stand one to a line, at most 20.
std::string ErrorText(const absl::Status& status, std::string_view server);

}  // namespace wavepost::cli
