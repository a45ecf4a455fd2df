#include "common/smtp/extensions.h"

#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

struct Keyword {
  std::string_view name;
  bool Extensions::*flag;
};

constexpr Keyword kKeywords[] = {
    {"pipelining", &Extensions::pipelining},
    {"8bitmime", &Extensions::eight_bit_mime},
    {"smtputf8", &Extensions::smtputf8},
    {"chunking", &Extensions::chunking},
    {"starttls", &Extensions::starttls},
    {"dsn", &Extensions::dsn},
    {"enhancedstatuscodes", &Extensions::enhanced_status_codes},
    {"size", &Extensions::size},
};

}  // namespace

Extensions ParseEhlo(const Reply& reply) {
  Extensions out;
  if (!reply.positive()) return out;
  for (size_t i = 1; i < reply.lines.size(); ++i) {
    const std::string_view line = reply.lines[i];
    const size_t space = line.find_first_of(" \t");
    const std::string name = AsciiLower(line.substr(0, space));
    for (const Keyword& keyword : kKeywords) {
      if (name == keyword.name) out.*keyword.flag = true;
    }
    if (name == "size" && space != std::string_view::npos) {
      uint64_t max = 0;
      if (absl::SimpleAtoi(Av(line.substr(space + 1)), &max) && max > 0) out.size_max = max;
    }
  }
  return out;
}

}  // namespace wavepost
