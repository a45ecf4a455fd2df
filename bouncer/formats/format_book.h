// What formats.yaml says, ready to be looked up: the known formats, and the words that mark the parts of a notice.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/smtp/classify_index.h"
#include "common/smtp/classify_text.h"
#include "common/smtp/rule_file.h"

namespace wavepost {

// Immutable; any thread may read it.
class FormatBook {
 public:
  // Which of the lists a text has words of.
  struct Signs {
    bool daemon = false;
    bool failure = false;
    bool delay = false;
    bool final = false;
    bool answer = false;
    // The first format whose words are in the text; null: none.
    const ClassifyRule* format = nullptr;
  };
  struct LineSigns {
    bool stop = false;               // the original begins after it
    bool recipients_follow = false;  // addresses stand on the next lines
  };
  // What the words before an address say about it.
  enum class Lead { kNothing, kLabel, kAbout };

  explicit FormatBook(const RuleSet& set);
  FormatBook(const FormatBook&) = delete;
  FormatBook& operator=(const FormatBook&) = delete;

  // Made of the built-in formats on first use.
  static const FormatBook& Active();

  Signs SignsOf(const ReplyWords& words) const;
  LineSigns SignsOfLine(const ReplyWords& words) const;
  Lead LeadOf(const ReplyWords& words) const;

  std::span<const ClassifyRule> formats() const { return formats_; }

 private:
  const std::vector<ClassifyRule> formats_;
  const std::vector<ClassifyRule> text_lists_;  // formats_ and then the five lists
  const std::vector<ClassifyRule> line_lists_;
  const std::vector<ClassifyRule> lead_lists_;
  const RuleIndex text_index_;
  const RuleIndex line_index_;
  const RuleIndex lead_index_;
};

// Takes formats out of those in use, for cross-checks (tests/corpus/kfold.py). Before other threads read mail.
void DisableFormats(const std::set<std::string, std::less<>>& names);

}  // namespace wavepost
