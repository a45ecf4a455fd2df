// Real mails with labels. The selection under bouncer/testdata/corpus is always read; a whole corpus of the same form
// if WAVEPOST_CORPUS names its folder (or ../shared/corpus/bounces/open is there). The marks are those of the design.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "bouncer/reading/reading.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

namespace fs = std::filesystem;

constexpr double kClassMin = 0.97;
constexpr double kRecipientMin = 0.99;
constexpr double kFalseHardMax = 0.005;

struct Label {
  std::string bounce_class;
  std::set<std::string> also_ok;
  std::set<std::string> recipients;  // lower case; empty: the mail names none
};

struct Totals {
  size_t rows = 0;
  size_t class_right = 0;
  size_t recipient_rows = 0;
  size_t recipient_right = 0;
  size_t keep_rows = 0;  // must not be suppressed
  size_t false_hard = 0;
  std::ostringstream wrong;

  double ClassShare() const { return static_cast<double>(class_right) / static_cast<double>(rows); }
  double RecipientShare() const {
    return static_cast<double>(recipient_right) / static_cast<double>(std::max<size_t>(recipient_rows, 1));
  }
  double FalseHardShare() const {
    return static_cast<double>(false_hard) / static_cast<double>(std::max<size_t>(keep_rows, 1));
  }
};

std::string ClassName(wavepost::v1::BounceClass bounce_class) {
  if (bounce_class == wavepost::v1::POLICY) return "soft";
  if (bounce_class == wavepost::v1::CHALLENGE) return "auto_reply";
  return AsciiLower(wavepost::v1::BounceClass_Name(bounce_class));
}

std::string Bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::map<std::string, std::vector<Label>> ReadLabels(const fs::path& path) {
  std::map<std::string, std::vector<Label>> out;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const nlohmann::json row = nlohmann::json::parse(line);
    Label label{row["class"].get<std::string>(), row["also_ok"].get<std::set<std::string>>(), {}};
    for (const nlohmann::json& address : row["recipient_any"]) {
      label.recipients.insert(AsciiLower(address.get<std::string>()));
    }
    out[row["path"].get<std::string>()].push_back(std::move(label));
  }
  return out;
}

void Count(const std::string& name, const Label& label, const Finding* finding, Totals* totals) {
  const std::string got = finding == nullptr ? "missing" : ClassName(finding->bounce_class);
  const bool right = got == label.bounce_class || label.also_ok.contains(got);
  ++totals->rows;
  totals->class_right += right;
  if (!right) totals->wrong << name << ": " << label.bounce_class << ", read as " << got << "\n";
  if (!label.recipients.empty()) {
    const std::string who = finding == nullptr ? "" : AsciiLower(finding->final_recipient);
    ++totals->recipient_rows;
    totals->recipient_right += label.recipients.contains(who);
    if (!label.recipients.contains(who)) totals->wrong << name << ": recipient read as '" << who << "'\n";
  }
  const std::set<std::string> keep = {"soft", "delay_notice", "auto_reply", "not_a_bounce"};
  if (keep.contains(label.bounce_class) && !label.also_ok.contains("hard")) {
    ++totals->keep_rows;
    totals->false_hard += got == "hard";
  }
}

// Pairs labels and findings of one mail: first by address, then in order.
void CountMail(const std::string& name, const std::vector<Label>& labels, const std::vector<Finding>& findings,
               Totals* totals) {
  std::vector<const Finding*> left;
  for (const Finding& finding : findings) left.push_back(&finding);
  std::vector<const Finding*> paired(labels.size(), nullptr);
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto found = std::find_if(left.begin(), left.end(), [&](const Finding* finding) {
      return labels[i].recipients.contains(AsciiLower(finding->final_recipient));
    });
    if (found == left.end()) continue;
    paired[i] = *found;
    left.erase(found);
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (paired[i] == nullptr && !left.empty()) {
      paired[i] = left.front();
      left.erase(left.begin());
    }
    Count(name, labels[i], paired[i], totals);
  }
  // What the mail says of nobody whom a label names as gone must not be hard.
  for (const Finding* extra : left) {
    if (ClassName(extra->bounce_class) != "hard") continue;
    const bool known = std::any_of(labels.begin(), labels.end(), [extra](const Label& label) {
      return (label.bounce_class == "hard" || label.also_ok.contains("hard")) &&
             label.recipients.contains(AsciiLower(extra->final_recipient));
    });
    if (known) continue;
    ++totals->false_hard;
    totals->wrong << name << ": one more hard finding, '" << extra->final_recipient << "'\n";
  }
}

Totals ReadCorpus(const fs::path& folder) {
  Totals totals;
  for (const auto& [name, labels] : ReadLabels(folder / "labels.jsonl")) {
    CountMail(name, labels, ReadMail(Bytes(folder / name)).findings, &totals);
  }
  return totals;
}

void ExpectMarks(const Totals& totals) {
  std::cout << totals.rows << " rows: class " << 100 * totals.ClassShare() << " %, recipient "
            << 100 * totals.RecipientShare() << " %, falsely hard " << totals.false_hard << " of " << totals.keep_rows
            << "\n";
  EXPECT_GE(totals.ClassShare(), kClassMin);
  EXPECT_GE(totals.RecipientShare(), kRecipientMin);
  EXPECT_LE(totals.FalseHardShare(), kFalseHardMax);
}

TEST(CorpusTest, Selection) {
  const Totals totals = ReadCorpus(fs::path(WAVEPOST_SOURCE_DIR) / "bouncer/testdata/corpus");
  ASSERT_GE(totals.rows, 100u);
  ExpectMarks(totals);
  if (::testing::Test::HasFailure()) std::cout << totals.wrong.str();
}

// Totals only: who looks at each mistake of the whole writes rules for it, and learns nothing of mail not yet seen.
TEST(CorpusTest, Whole) {
  const char* named = std::getenv("WAVEPOST_CORPUS");
  const fs::path folder = named != nullptr && *named != '\0'
                              ? fs::path(named)
                              : fs::path(WAVEPOST_SOURCE_DIR) / "../shared/corpus/bounces/open";
  if (!fs::exists(folder / "labels.jsonl")) GTEST_SKIP() << "no corpus; WAVEPOST_CORPUS names its folder";
  const Totals totals = ReadCorpus(folder);
  ASSERT_GT(totals.rows, 0u);
  ExpectMarks(totals);
}

}  // namespace
}  // namespace wavepost
