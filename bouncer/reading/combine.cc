#include <algorithm>

#include "bouncer/reading/reading.h"

namespace wavepost {
namespace {

using wavepost::v1::BounceClass;

// Lower is milder.
int Severity(BounceClass bounce_class) {
  switch (bounce_class) {
    case wavepost::v1::DELAY_NOTICE:
      return 1;
    case wavepost::v1::SOFT:
      return 2;
    case wavepost::v1::POLICY:
      return 3;
    case wavepost::v1::HARD:
      return 4;
    default:
      return 0;
  }
}

bool IsFailure(const Finding& finding) {
  return Severity(finding.bounce_class) >= Severity(wavepost::v1::SOFT);
}

// Of two failures the milder one, otherwise the failure, otherwise the worse one.
bool IsBetter(const Finding& a, const Finding& b) {
  if (IsFailure(a) != IsFailure(b)) return IsFailure(a);
  if (IsFailure(a)) return Severity(a.bounce_class) < Severity(b.bounce_class);
  return Severity(a.bounce_class) > Severity(b.bounce_class);
}

}  // namespace

Finding Combine(const std::vector<Finding>& findings) {
  if (findings.empty()) return {};
  const bool all_hard = std::all_of(findings.begin(), findings.end(),
                                    [](const Finding& f) { return f.bounce_class == wavepost::v1::HARD; });
  const Finding* chosen = &findings.front();
  for (const Finding& finding : findings) {
    if (IsBetter(finding, *chosen)) chosen = &finding;
  }
  Finding out = *chosen;
  if (out.bounce_class == wavepost::v1::HARD && !all_hard) {
    out.bounce_class = wavepost::v1::SOFT;
    out.status.set_bounce_class(wavepost::v1::SOFT);
  }
  return out;
}

}  // namespace wavepost
