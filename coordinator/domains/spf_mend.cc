#include "coordinator/domains/spf_mend.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

// From the mildest to the strictest.
constexpr std::string_view kQualifiers = "?~-";

// The record's terms with guesses in place of its faults, which go to the end (order matters little without "-").
// False: a term has no guess.
bool Complete(const SpfRecord& record, std::vector<SpfTerm>* terms) {
  *terms = record.terms;
  for (const SpfFault& fault : record.faults) {
    if (!fault.fix) return false;
    if (fault.fix->empty()) continue;
    SpfFault ignored;
    std::optional<SpfTerm> term = ParseSpfTerm(*fault.fix, &ignored);
    if (!term) return false;
    terms->push_back(*std::move(term));
  }
  return true;
}

}  // namespace

std::optional<std::string> MendSpf(const std::vector<SpfRecord>& records, std::string_view ours,
                                   const std::set<std::string>& without) {
  std::vector<std::string> words;
  std::set<std::string> seen;  // in lower case: names and mechanisms ignore case
  size_t mildest = kQualifiers.size();
  bool neutral = false;  // "?all" gives way to any other
  std::string redirect;
  std::vector<std::string> modifiers;
  bool has_ours = ours.empty();
  for (const SpfRecord& record : records) {
    std::vector<SpfTerm> terms;
    if (!Complete(record, &terms)) return std::nullopt;
    const bool passes_all = std::any_of(record.terms.begin(), record.terms.end(), [](const SpfTerm& term) {
      return term.kind == SpfTerm::kAll && term.qualifier == '+';
    });
    for (const SpfTerm& term : terms) {
      if (without.contains(term.text)) continue;
      if (term.kind == SpfTerm::kAll) {
        const char qualifier = passes_all ? '~' : term.qualifier;
        neutral = neutral || qualifier == '?';
        if (qualifier != '?') mildest = std::min(mildest, kQualifiers.find(qualifier));
      } else if (term.kind == SpfTerm::kRedirect) {
        if (redirect.empty()) redirect = term.text;
      } else if (!seen.insert(AsciiLower(term.text.starts_with('+') ? term.text.substr(1) : term.text)).second) {
        continue;
      } else if (term.kind == SpfTerm::kExp || term.kind == SpfTerm::kUnknownModifier) {
        modifiers.push_back(term.text);
      } else if (term.kind == SpfTerm::kInclude && !ours.empty() && EqualsIgnoreCase(term.domain, ours)) {
        if (term.qualifier != '+' || has_ours) continue;
        words.push_back(absl::StrCat("include:", Av(ours)));
        has_ours = true;
      } else {
        words.push_back(term.text);
      }
    }
  }
  if (!has_ours) words.insert(words.begin(), absl::StrCat("include:", Av(ours)));
  words.insert(words.begin(), "v=spf1");
  if (mildest == kQualifiers.size() && neutral) mildest = 0;
  if (mildest < kQualifiers.size()) {
    words.push_back(absl::StrCat(std::string(1, kQualifiers[mildest]), "all"));
  } else {
    words.push_back(redirect.empty() ? "~all" : redirect);
  }
  words.insert(words.end(), modifiers.begin(), modifiers.end());
  std::string out = absl::StrJoin(words, " ");
  if (out.size() > kMendedSpfBytesMax) return std::nullopt;
  return out;
}

}  // namespace wavepost
