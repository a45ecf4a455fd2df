#include "cli/failures.h"

#include <algorithm>

#include "cli/json.h"
#include "common/base/strings.h"

namespace wavepost::cli {

constexpr char kOtherDomains[] = "(others)";

void Failures::Add(const v1::Recipient& recipient) {
  std::string word = ReasonWord(recipient.status().reason());
  Reason& reason = reasons_[{OutcomeWord(recipient.outcome()), word.empty() ? "not known" : word}];
  ++reason.count;
  std::string domain = recipient.address().substr(recipient.address().rfind('@') + 1);
  if (reason.domains.size() >= kFailureDomainsMax && !reason.domains.contains(domain)) domain = kOtherDomains;
  ++reason.domains[domain];
  if (reason.example.empty()) reason.example = Printable(ReplyLine(recipient.status()), 200);
}

std::vector<Failures::Line> Failures::top(size_t lines_max) const {
  std::vector<Line> lines;
  for (const auto& [key, reason] : reasons_) {
    Line line{key.first, key.second, reason.count, "", 0, reason.example};
    for (const auto& [domain, count] : reason.domains) {
      if (count > line.top_domain_count && domain != kOtherDomains) {
        line.top_domain = domain;
        line.top_domain_count = count;
      }
    }
    lines.push_back(std::move(line));
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.count > b.count; });
  if (lines.size() > lines_max) lines.resize(lines_max);
  return lines;
}

}  // namespace wavepost::cli
