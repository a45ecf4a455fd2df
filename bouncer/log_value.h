// Log lines are logfmt: event=NAME key=value ... This makes foreign text fit for a value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/strings.h"

namespace wavepost {

// Printable, at most 300 bytes; in quotation marks if it has spaces, quotation marks or '='.
inline std::string LogValue(std::string_view foreign) {
  constexpr size_t kBytesMax = 300;
  std::string text = Printable(foreign, kBytesMax);
  if (!text.empty() && text.find_first_of(" \"=") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace wavepost
