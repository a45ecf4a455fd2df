#include "coordinator/domains/verdict.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kTailBytes = 16;

Verdict Make(v1::RecordCheck::State state, std::string problem, std::string advice) {
  return {.state = state, .problem = std::move(problem), .advice = std::move(advice)};
}

}  // namespace

Verdict Fine(std::string advice) {
  return Make(v1::RecordCheck::OK, "", std::move(advice));
}

Verdict Missing(std::string problem, std::string advice) {
  return Make(v1::RecordCheck::MISSING, std::move(problem), std::move(advice));
}

Verdict Wrong(std::string problem, std::string advice) {
  return Make(v1::RecordCheck::WRONG, std::move(problem), std::move(advice));
}

Verdict NoAnswer(std::string_view name) {
  return Make(v1::RecordCheck::UNKNOWN, "DNS_NO_ANSWER",
              absl::StrCat("DNS gave no answer about ", Printable(name, kFoundBytesMax),
                           ", so nothing is known about this record; what was known before stays in force, and we look "
                           "again. If it lasts, have the name servers of that domain checked, and its DNSSEC "
                           "signatures."));
}

std::string Show(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return absl::StrCat("\"", Printable(text, bytes_max), "\"");
  const std::string_view head = text.substr(0, bytes_max > kTailBytes * 2 ? bytes_max - kTailBytes : bytes_max);
  const std::string_view tail = head.size() < bytes_max ? text.substr(text.size() - kTailBytes) : std::string_view();
  return absl::StrCat("\"", Printable(head), "...", Printable(tail), "\" (", text.size(), " characters)");
}

std::string Count(size_t number) {
  constexpr const char* kWords[] = {"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
  return number < std::size(kWords) ? kWords[number] : absl::StrCat(number);
}

}  // namespace wavepost
