#include "bouncer/formats/notice.h"

#include <algorithm>
#include <array>

#include "bouncer/formats/format_book.h"
#include "bouncer/report/header_block.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kStopLineBytesMax = 160;  // a longer line is prose

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// "> " in front of a line of a forwarded mail. ">>> RCPT TO" of a transcript is none.
std::string_view WithoutQuote(std::string_view line) {
  if (line.starts_with("> ") || line == ">") return Trim(line.substr(1));
  return line;
}

// A field that begins the header of a mail, or a status part set as text, and nothing else.
bool BeginsOriginal(std::string_view line) {
  constexpr std::array<std::string_view, 9> kFields = {
      "received:",   "return-path:", "delivered-to:",  "dkim-signature:", "domainkey-signature:",
      "x-received:", "arc-seal:",    "reporting-mta:", "final-recipient:"};
  return std::any_of(kFields.begin(), kFields.end(),
                     [line](std::string_view field) { return StartsWithIgnoreCase(line, field); });
}

// "... a message you sent with the following header fields:", right above or one blank line higher.
bool IsHeaderAnnounced(const std::vector<NoticeLine>& before) {
  size_t at = before.size();
  for (int back = 0; back < 3 && at > 0; ++back) {
    if (before[--at].words.text.find(" following header fields ") != std::string::npos) return true;
  }
  return false;
}

// The stop words in the middle of a paragraph are prose ("... as well as the headers of the original / message.").
bool IsInParagraph(std::string_view text, const std::vector<NoticeLine>& before, std::string_view rest) {
  const auto is_lower = [](std::string_view line) {
    return !line.empty() && line.front() >= 'a' && line.front() <= 'z';
  };
  if (before.empty() || before.back().text.empty() || text.ends_with(':') ||
      text.find("--") != std::string_view::npos) {
    return false;
  }
  constexpr std::string_view kEnds = ".:!?-=*#_";
  if (is_lower(text) && kEnds.find(before.back().text.back()) == std::string_view::npos) return true;
  const std::string_view next = Trim(rest.substr(0, rest.find('\n')));
  return is_lower(next) && !text.ends_with('.') && !IsHeaderLine(next);
}

// The header of the original in what lies below the stop line; `rest` starts with the line after it.
HeaderFields OriginalIn(std::string_view rest) {
  // A few lines of decoration or blank ones may come first.
  for (int skipped = 0; skipped < 8 && !rest.empty(); ++skipped) {
    HeaderFields fields;
    ReadHeaderBlock(rest, &fields, nullptr);
    if (fields.fields.size() >= 2) return fields;
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

Notice Notice::Of(const Document& document) {
  const FormatBook& book = FormatBook::Active();
  Notice notice;
  notice.words.text.push_back(' ');
  size_t bytes = 0;
  bool started = false;
  for (const TextPart& part : document.texts) {
    std::string_view rest = part.text;
    bool in_quoted_header = false;
    while (!rest.empty()) {
      if (bytes >= kNoticeBytesMax || notice.lines.size() >= kNoticeLinesMax) return notice;
      const std::string_view here = rest;
      const size_t end = rest.find('\n');
      const std::string_view text = WithoutQuote(Trim(rest.substr(0, end)));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      bytes += text.size() + 1;
      if (in_quoted_header) {
        in_quoted_header = !text.empty();
        continue;
      }
      if (started && BeginsOriginal(text)) {
        notice.original = OriginalIn(here);
        // Sun's and Oracle's servers quote the header first and say what happened below it.
        in_quoted_header = IsHeaderAnnounced(notice.lines);
        if (in_quoted_header) continue;
        break;
      }
      NoticeLine line{.text = text, .words = ToWords(text), .recipients_follow = false};
      if (line.words.text.size() > 2) {
        const FormatBook::LineSigns signs = book.SignsOfLine(line.words);
        if (started && signs.stop && !signs.recipients_follow && text.size() <= kStopLineBytesMax &&
            text.find('@') == std::string_view::npos && !IsInParagraph(text, notice.lines, rest)) {
          notice.original = OriginalIn(rest);
          break;
        }
        line.recipients_follow = signs.recipients_follow;
        notice.words.text.append(line.words.text, 1);
        notice.words.names_ip |= line.words.names_ip;
        started = true;
      }
      notice.lines.push_back(std::move(line));
    }
    notice.lines.push_back({});
  }
  return notice;
}

}  // namespace wavepost
