#include "cli/refusals.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/format.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::StrReplaceAll(Printable(text).c_str(), {{"\"", "\"\""}}), "\"");
}

}  // namespace

absl::Status RefusalLog::Open(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  path_ = path;
  file_.open(path, std::ios::trunc);
  file_ << "line,address,reason,description\n";
  if (!file_.flush()) return absl::PermissionDeniedError(absl::StrCat("--refused ", path, ": cannot be written"));
  return absl::OkStatus();
}

absl::Status RefusalLog::Add(const RefusedRow& row) {
  if (count_++ < kRefusalsShown) {
    cli_.err() << "line " << row.line
               << ": refused: " << (row.address.empty() ? "" : Printable(row.address, 320) + ": ")
               << Printable(row.description) << " (" << Printable(row.reason, 64) << ")\n";
    first_.push_back(
        {{"line", row.line}, {"address", row.address}, {"reason", row.reason}, {"description", row.description}});
  }
  if (!file_.is_open()) return absl::OkStatus();
  file_ << row.line << ',' << Quoted(row.address) << ',' << Quoted(row.reason) << ',' << Quoted(row.description)
        << '\n';
  if (!file_)
    return absl::DataLossError(absl::StrCat("--refused ", path_, ": cannot be written on; is the disk full?"));
  return absl::OkStatus();
}

absl::Status RefusalLog::Close() {
  if (count_ > kRefusalsShown) {
    cli_.err() << "... and " << WithCommas(count_ - kRefusalsShown) << " more refused rows";
    cli_.err() << (path_.empty() ? "; --refused FILE writes all of them\n" : "\n");
  }
  if (!file_.is_open()) return absl::OkStatus();
  if (count_ > 0) cli_.err() << "All refused rows are in " << path_ << "\n";
  file_.close();
  if (!file_) return absl::DataLossError(absl::StrCat("--refused ", path_, ": cannot be written; is the disk full?"));
  return absl::OkStatus();
}

}  // namespace wavepost::cli
