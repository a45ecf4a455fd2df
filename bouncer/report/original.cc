#include "bouncer/report/original.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "bouncer/report/header_block.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr std::array<std::string_view, 8> kMailFields = {
    "from:", "to:", "subject:", "date:", "message-id:", "received:", "mime-version:", "return-path:"};
constexpr std::ptrdiff_t kKnownMin = 3;
constexpr size_t kBlockBytesMax = 32 * 1024;

// Quoted or indented as a whole: what stands before the first field's name. Only these two are common.
std::string_view QuoteOf(std::string_view line) {
  const size_t start = line.find_first_not_of("> |\t");
  return start == std::string_view::npos || start > 12 ? std::string_view() : line.substr(0, start);
}

// Which of kMailFields the line is, or kMailFields.size().
size_t KnownField(std::string_view line) {
  for (size_t i = 0; i < kMailFields.size(); ++i) {
    if (StartsWithIgnoreCase(line, kMailFields[i])) return i;
  }
  return kMailFields.size();
}

}  // namespace

void FindOriginalInText(std::string_view text, HeaderFields* original) {
  size_t pos = 0;
  while (pos < text.size()) {
    // A block: lines with the same quote, until one that is neither a field nor the continuation of one.
    const std::string_view quote = QuoteOf(text.substr(pos, std::min(text.find('\n', pos), text.size()) - pos));
    std::string block;
    std::array<bool, kMailFields.size()> known{};
    size_t at = pos;
    while (at < text.size() && block.size() < kBlockBytesMax) {
      const size_t end = std::min(text.find('\n', at), text.size());
      std::string_view line = text.substr(at, end - at);
      if (!line.starts_with(quote)) break;
      line.remove_prefix(quote.size());
      const bool continues = !block.empty() && (line.starts_with(' ') || line.starts_with('\t'));
      if (!continues && !IsHeaderLine(line)) break;
      if (const size_t which = KnownField(line); which < known.size()) known[which] = true;
      block.append(line).append("\n");
      at = end + 1;
    }
    if (std::count(known.begin(), known.end(), true) >= kKnownMin) {
      ReadHeaderBlock(block, original, nullptr);
      return;
    }
    pos = std::max(at, std::min(text.find('\n', pos), text.size()) + 1);
  }
}

}  // namespace wavepost
