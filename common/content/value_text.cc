#include "common/content/value_text.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace wavepost {
namespace {

// Bytes of a value that do not go into text, or not into HTML, as they are.
enum : uint8_t { kPlain = 0, kControl = 1, kMarkup = 2 };
constexpr std::array<uint8_t, 256> MakeByteClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 0x20; ++c) classes[c] = kControl;
  classes['\t'] = kPlain;
  classes[0x7F] = kControl;
  for (char c : {'&', '<', '>', '"', '\''}) classes[static_cast<uint8_t>(c)] = kMarkup;
  return classes;
}
constexpr std::array<uint8_t, 256> kByteClasses = MakeByteClasses();

}  // namespace

void AppendValue(std::string_view value, bool html, std::string* out) {
  const uint8_t changed = html ? kControl | kMarkup : kControl;
  size_t done = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    if ((kByteClasses[static_cast<uint8_t>(value[i])] & changed) == 0) continue;
    out->append(value, done, i - done);
    switch (value[i]) {
      case '&':
        out->append("&amp;");
        break;
      case '<':
        out->append("&lt;");
        break;
      case '>':
        out->append("&gt;");
        break;
      case '"':
        out->append("&quot;");
        break;
      case '\'':
        out->append("&#39;");
        break;
      case '\r':
        if (i + 1 < value.size() && value[i + 1] == '\n') ++i;
        [[fallthrough]];
      case '\n':
        out->append("\r\n");
        break;
      default:
        out->push_back(' ');
    }
    done = i + 1;
  }
  out->append(value, done);
}

}  // namespace wavepost
