// What the project's own samples are read as, all of it. UPDATE_GOLDEN=1 rewrites the file; review the difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "bouncer/reading/reading.h"
#include "bouncer/report/document.h"

namespace wavepost {
namespace {

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(GoldenTest, Samples) {
  const std::filesystem::path folder = std::filesystem::path(WAVEPOST_SOURCE_DIR) / "bouncer/report/testdata";
  std::vector<std::filesystem::path> samples;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".eml") samples.push_back(entry.path());
  }
  std::sort(samples.begin(), samples.end());
  ASSERT_GE(samples.size(), 10u);
  std::string got;
  for (const auto& path : samples) {
    const std::string message = Read(path);
    absl::StrAppend(&got, path.stem().string(), "\n");
    for (const ReportedRecipient& r : ReadDocument(message).groups) {
      absl::StrAppend(&got, "  group    ", r.final_recipient, " | ", r.original_recipient, " | ", r.action, " | ",
                      r.status, " | ", r.diagnostic, " | ", r.reporting_mta, " | ", r.remote_mta, "\n");
    }
    const Reading reading = ReadMail(message);
    for (const Finding& finding : reading.findings) {
      absl::StrAppend(&got, "  finding  ", BounceClass_Name(finding.bounce_class), " ",
                      Reason_Name(finding.status.reason()), " ", Fault_Name(finding.status.fault()), " | ",
                      finding.status.code(), " | ", finding.status.enhanced_code(), " | ", finding.status.mx_host(),
                      " | ", finding.final_recipient, " | ", finding.status.text(), "\n");
    }
    if (!reading.tokens.empty()) absl::StrAppend(&got, "  tokens   ", absl::StrJoin(reading.tokens, " "), "\n");
    if (!reading.original_message_id.empty()) absl::StrAppend(&got, "  original ", reading.original_message_id, "\n");
    absl::StrAppend(&got, "  evidence ", absl::StrReplaceAll(reading.evidence, {{"\n", "\n           "}}), "\n");
  }
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(folder / "golden.txt") << got;
  EXPECT_EQ(got, Read(folder / "golden.txt"));
}

}  // namespace
}  // namespace wavepost
