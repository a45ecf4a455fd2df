#include "common/content/name_hint.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kDistanceMax = 2;
constexpr size_t kNameBytesMax = 128;  // longer ones are not compared

// Letters to insert, delete or replace to make `b` of `a`, at least.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string_view> NearestName(std::string_view name, const std::vector<std::string>& candidates) {
  if (name.size() > kNameBytesMax) return std::nullopt;
  const std::string lower = AsciiLower(name);
  std::optional<std::string_view> nearest;
  // A name that shares no more than half its letters is another name.
  size_t best = std::min(kDistanceMax, name.size() / 2) + 1;
  for (const std::string& candidate : candidates) {
    const size_t apart = std::max(candidate.size(), name.size()) - std::min(candidate.size(), name.size());
    if (candidate.size() > kNameBytesMax || apart >= best) continue;
    const size_t distance = EditDistance(lower, AsciiLower(candidate));
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace wavepost
