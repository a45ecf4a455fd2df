// What one look at one record says, and how foreign text is quoted in sentences for the customer's IT. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wavepost/v1/domains_service.pb.h"

namespace wavepost {

inline constexpr size_t kFoundMax = 10;        // records shown of one name
inline constexpr size_t kFoundBytesMax = 512;  // of each

struct Verdict {
  v1::RecordCheck::State state = v1::RecordCheck::OK;
  std::string problem;             // empty if OK
  std::string advice;              // also where OK has a catch
  std::vector<std::string> found;  // as it stands there; made printable and cut when it is stored
};

Verdict Fine(std::string advice = {});
Verdict Missing(std::string problem, std::string advice);
Verdict Wrong(std::string problem, std::string advice);
// DNS gave no answer about `name`.
Verdict NoAnswer(std::string_view name);

// In quotation marks, printable; one that is longer than `bytes_max` keeps its head and its tail and says its length:
// "v=DKIM1; k=rsa; p=MIIB...IDAQAB" (410 characters).
std::string Show(std::string_view text, size_t bytes_max = 100);

// "two" to "nine", else digits.
std::string Count(size_t number);

}  // namespace wavepost
