#include "bouncer/report/mime_head.h"

#include "common/base/strings.h"

namespace wavepost {
namespace {

size_t CountNestingWords(std::string_view line) {
  size_t count = 0;
  for (size_t i = 0; i + 1 < line.size(); ++i) {
    const int c = line[i] | 0x20;
    if (c != 'b' && c != 'm') continue;
    // Most words end here; comparing costs more than all the rest.
    const int next = line[i + 1] | 0x20;
    if (next != (c == 'b' ? 'o' : 'e')) continue;
    const std::string_view rest = line.substr(i);
    if (StartsWithIgnoreCase(rest, "boundary") || StartsWithIgnoreCase(rest, "message/")) ++count;
  }
  return count;
}

// "Name:" at the start, as RFC 5322 section 2.2 has it; "<html xmlns:o=" is none.
bool LooksLikeHeader(std::string_view line) {
  for (const char c : line) {
    if (c == ':') return true;
    if (c <= ' ' || c > '~') return false;
  }
  return false;
}

bool IsBlank(std::string_view line) {
  return line.find_first_not_of("\r\n") == std::string_view::npos;
}

}  // namespace

std::string_view MimeHead(std::string_view message, const HeadLimits& limits) {
  message = message.substr(0, limits.bytes);
  size_t borders = 0;
  size_t words = 0;
  bool at_paragraph_start = true;
  bool in_headers = false;
  size_t block_start = 0;
  size_t pos = 0;
  for (size_t lines = 0; pos < message.size() && lines < limits.lines; ++lines) {
    size_t end = message.find('\n', pos);
    end = end == std::string_view::npos ? message.size() : end + 1;
    const std::string_view line = message.substr(pos, end - pos);

    if (line.substr(0, 2) == "--" && ++borders > kHeadBorderLinesMax) break;
    words += CountNestingWords(line);
    if (words > kHeadNestingWordsMax) break;

    // A border ends a paragraph too: the headers of a part follow it.
    if (IsBlank(line) || line.substr(0, 2) == "--") {
      at_paragraph_start = true;
      in_headers = false;
    } else if (at_paragraph_start) {
      at_paragraph_start = false;
      in_headers = LooksLikeHeader(line);
      block_start = pos;
    }
    if (in_headers && end - block_start > kHeaderBlockBytesMax) break;
    pos = end;
  }
  return message.substr(0, pos);
}

}  // namespace wavepost
