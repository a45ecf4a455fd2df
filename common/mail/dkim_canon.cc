#include "common/mail/dkim_canon.h"

#include <cstddef>

#include "absl/strings/ascii.h"

namespace wavepost {
namespace {

bool IsWsp(char c) {
  return c == ' ' || c == '\t';
}

std::string_view StripWsp(std::string_view s) {
  while (!s.empty() && IsWsp(s.front())) s.remove_prefix(1);
  while (!s.empty() && IsWsp(s.back())) s.remove_suffix(1);
  return s;
}

// Takes the next line, without its CRLF, off the front. Only CRLF ends a line.
std::string_view NextLine(std::string_view* text) {
  const size_t end = text->find("\r\n");
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 2);
  return line;
}

// Appends `line` with runs of blanks as one space and none at the end.
void AppendRelaxedLine(std::string_view line, std::string* out) {
  while (!line.empty() && IsWsp(line.back())) line.remove_suffix(1);
  while (!line.empty()) {
    // A single space inside the line stays as it is. None is last: those are gone.
    size_t run = 0;
    while (run < line.size() && (!IsWsp(line[run]) || (line[run] == ' ' && !IsWsp(line[run + 1])))) ++run;
    out->append(line.substr(0, run));
    line.remove_prefix(run);
    if (line.empty()) break;
    out->push_back(' ');
    while (IsWsp(line.front())) line.remove_prefix(1);
  }
}

}  // namespace

std::vector<HeaderField> SplitHeaderFields(std::string_view headers, size_t fields_max) {
  std::vector<HeaderField> out;
  while (!headers.empty() && out.size() < fields_max) {
    const char* begin = headers.data();
    std::string_view line = NextLine(&headers);
    size_t length = line.size();
    while (!headers.empty() && IsWsp(headers.front())) {
      line = NextLine(&headers);
      length = static_cast<size_t>(line.data() + line.size() - begin);
    }
    const std::string_view raw(begin, length);
    const size_t colon = raw.find(':');
    if (colon == std::string_view::npos || colon == 0 || IsWsp(raw.front())) continue;
    out.push_back({StripWsp(raw.substr(0, colon)), raw, raw.substr(colon + 1)});
  }
  return out;
}

void AppendCanonHeader(const HeaderField& field, DkimCanon canon, std::string* out) {
  if (canon == DkimCanon::kSimple) {
    out->append(field.raw);
    return;
  }
  for (char c : field.name) out->push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
  out->push_back(':');
  const size_t start = out->size();
  std::string_view value = field.value;
  while (!value.empty()) {
    size_t run = 0;
    while (run < value.size() && value[run] != ' ' && value[run] != '\t' && value[run] != '\r') ++run;
    if (run == 0 && !IsWsp(value.front()) && value.substr(0, 2) != "\r\n") run = 1;  // a bare CR stays
    out->append(value.substr(0, run));
    value.remove_prefix(run);
    bool space = false;
    while (!value.empty() && (IsWsp(value.front()) || value.substr(0, 2) == "\r\n")) {
      space |= IsWsp(value.front());
      value.remove_prefix(IsWsp(value.front()) ? 1 : 2);  // a line end is dropped: unfolded
    }
    if (space && out->size() > start && !value.empty()) out->push_back(' ');
  }
}

std::string CanonBody(std::string_view body, DkimCanon canon) {
  std::string out;
  out.reserve(body.size() + 2);
  if (canon == DkimCanon::kSimple) {
    out.assign(body);
    if (out.size() < 2 || out.compare(out.size() - 2, 2, "\r\n") != 0) out.append("\r\n");
  } else {
    while (!body.empty()) {
      AppendRelaxedLine(NextLine(&body), &out);
      out.append("\r\n");
    }
  }
  // Empty lines at the end do not count; an empty body is CRLF in the simple form and nothing in the relaxed one.
  size_t end = out.size();
  while (end >= 4 && out.compare(end - 4, 4, "\r\n\r\n") == 0) end -= 2;
  if (canon == DkimCanon::kRelaxed && end == 2) end = 0;
  out.resize(end);
  return out;
}

}  // namespace wavepost
