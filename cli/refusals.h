// Where refused rows go: the first ones to the terminal, all of them to a file if one is wanted.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "cli/cli.h"
#include "cli/import.h"
#include "cli/json.h"

namespace wavepost::cli {

inline constexpr int64_t kRefusalsShown = 20;

class RefusalLog {
 public:
  explicit RefusalLog(const Cli& cli) : cli_(cli), first_(Json::array()) {}

  // An empty path: no file. Errors: kPermissionDenied.
  absl::Status Open(const std::string& path);
  // Errors: kDataLoss (the file cannot be written).
  absl::Status Add(const RefusedRow& row);
  // Says where the rest is. Call once.
  absl::Status Close();

  const Json& first() const { return first_; }  // the ones shown, for --json

 private:
  const Cli& cli_;
  std::string path_;
  std::ofstream file_;
  int64_t count_ = 0;
  Json first_;
};

}  // namespace wavepost::cli
