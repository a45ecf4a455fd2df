#include "bouncer/formats/mentions.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "bouncer/formats/format_book.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kAddressesPerLineMax = 10;
constexpr size_t kMentionsMax = 200;
constexpr size_t kOwnBytesMax = 2000;
constexpr size_t kAddressBytesMax = 320;

bool IsAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsLocal(char c) {
  return IsAlnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
}
bool IsDomain(char c) {
  return IsAlnum(c) || c == '.' || c == '-' || c == '_';
}

// Where the local part that ends before `at` begins; `at` itself if there is none.
constexpr size_t kQuotedLocalBytesMax = 66;  // RFC 5321 section 4.5.3.1.1, with its quotes
constexpr size_t kLiteralBytesMax = 64;      // "[IPv6:...]"
constexpr size_t kNextAddressBytesMax = 700;
constexpr size_t kLeadBytesMax = 200;  // before an address, of what is looked at

size_t LocalBegin(std::string_view line, size_t at) {
  if (at > 1 && line[at - 1] == '"') {
    // No further back than a local part may be long, or a line of such signs would cost its square.
    const size_t first = at > kQuotedLocalBytesMax ? at - kQuotedLocalBytesMax : 0;
    const size_t quote = line.substr(first, at - 1 - first).rfind('"');
    return quote == std::string_view::npos ? at : first + quote;
  }
  size_t begin = at;
  while (begin > 0 && at - begin < 256 && IsLocal(line[begin - 1])) --begin;
  // Decoration that happens to be allowed in a local part.
  while (begin < at && std::string_view("'*=-/`|.").find(line[begin]) != std::string_view::npos &&
         line.substr(begin, 2) != "=?") {  // an encoded word is none
    ++begin;
  }
  return begin;
}

size_t DomainEnd(std::string_view line, size_t from) {
  size_t end = from;
  if (end < line.size() && line[end] == '[') {
    const size_t close = line.substr(end, kLiteralBytesMax).find(']');
    return close != std::string_view::npos ? end + close + 1 : from;
  }
  while (end < line.size() && IsDomain(line[end])) ++end;
  while (end > from && !IsAlnum(line[end - 1])) --end;
  return end;
}

// Nothing but digits, punctuation and space: "550 5.1.1 <", "* ", "-- ".
bool IsDecoration(std::string_view lead) {
  return std::none_of(lead.begin(), lead.end(), [](char c) { return IsAlnum(c) && (c < '0' || c > '9'); });
}

// A source route before the address (RFC 5321 appendix C), "@a.example,@b.example:", goes with it.
std::string_view WithoutRoute(std::string_view lead) {
  if (!lead.ends_with(':')) return lead;
  const size_t start = lead.find_last_of(" \t<") == std::string_view::npos ? 0 : lead.find_last_of(" \t<") + 1;
  return start < lead.size() && lead[start] == '@' ? lead.substr(0, start) : lead;
}

MentionRank RankOf(const NoticeLine& line, const AddressAt& at, size_t index, const Notice& notice) {
  const std::string_view lead = WithoutRoute(line.text.substr(0, at.begin));
  if (IsDecoration(lead)) return MentionRank::kBlock;
  const std::string_view near = lead.substr(lead.size() - std::min(lead.size(), kLeadBytesMax));
  const FormatBook::Lead said = FormatBook::Active().LeadOf(ToWords(near));
  if (said == FormatBook::Lead::kAbout) return MentionRank::kBlock;
  // "Jane Doe <jane@example.com>", alone on a line below "the following recipients:".
  const std::string_view tail = line.text.substr(at.end);
  if (lead.ends_with('<') && (tail == ">" || tail == ">:")) {
    for (size_t back = 1; back <= 3 && back <= index; ++back) {
      if (notice.lines[index - back].recipients_follow) return MentionRank::kBlock;
    }
  }
  return said == FormatBook::Lead::kLabel ? MentionRank::kLabel : MentionRank::kSomewhere;
}

void AppendText(std::string_view text, std::string* out) {
  if (text.empty() || out->size() >= kOwnBytesMax) return;
  absl::StrAppend(out, out->empty() ? "" : " ", Av(text.substr(0, kOwnBytesMax - out->size())));
}

// What a bare address in front leaves of a line: "<a@b.c>: no such user" -> "no such user".
std::string_view Said(std::string_view text, const AddressAt& at) {
  if (!IsDecoration(WithoutRoute(text.substr(0, at.begin)))) return text;
  if (text.find_first_of("0123456789") < at.begin) return text;  // "550 <a@b.c>... no"
  size_t end = at.end;
  for (int more = 0; more < 3; ++more) {  // "a@b.c <a@b.c>", "a@b.c<mailto:a@b.c>"
    text.remove_prefix(end);
    if (StartsWithIgnoreCase(text, "<mailto:")) text.remove_prefix(8);
    while (!text.empty() && std::string_view(" \t<>:.,;)]\"'-").find(text.front()) != std::string_view::npos) {
      text.remove_prefix(1);
    }
    const std::vector<AddressAt> next = FindAddresses(text.substr(0, kNextAddressBytesMax));
    if (next.empty() || next.front().begin > 0) break;
    end = next.front().end;
  }
  return text;
}

// What stands between a name that looks like an address and the address itself: "a@b.c <d@e.f>", "'a@b.c' <d@e.f>".
bool IsNameBefore(std::string_view between) {
  return between.ends_with('<') && between.find_first_not_of("'\") <") == std::string_view::npos;
}

// A line of a transcript: a reply ("550 ...", "<<< 550 ...") or a command (">>> RCPT TO:<a@b.c>").
bool IsTranscript(std::string_view line) {
  if (line.starts_with("<<< ") || StartsWithIgnoreCase(line, "while talking to") ||
      StartsWithIgnoreCase(line, "... while talking to")) {
    return true;
  }
  if (line.starts_with(">>> ")) {
    constexpr std::array<std::string_view, 7> kCommands = {"mail", "rcpt", "data", "ehlo", "helo", "quit", "rset"};
    return std::any_of(kCommands.begin(), kCommands.end(),
                       [line](std::string_view command) { return StartsWithIgnoreCase(line.substr(4), command); });
  }
  return line.size() > 4 && (line[0] == '4' || line[0] == '5') && line[1] >= '0' && line[1] <= '9' && line[2] >= '0' &&
         line[2] <= '9' && (line[3] == ' ' || line[3] == '-');
}

}  // namespace

std::vector<AddressAt> FindAddresses(std::string_view line) {
  std::vector<AddressAt> found;
  size_t done = 0;
  for (size_t at = line.find('@'); at != std::string_view::npos && found.size() < kAddressesPerLineMax;
       at = line.find('@', at + 1)) {
    if (at < done) continue;
    const size_t begin = std::max(LocalBegin(line, at), done);
    const size_t end = DomainEnd(line, at + 1);
    if (begin >= at || end == at + 1 || end - begin > kAddressBytesMax) continue;
    done = end;
    if (!found.empty() && IsNameBefore(line.substr(found.back().end, begin - found.back().end))) {
      found.back().end = end;
      found.back().address = std::string(line.substr(begin, end - begin));
      continue;
    }
    found.push_back({begin, end, std::string(line.substr(begin, end - begin))});
  }
  return found;
}

std::vector<Mention> FindMentions(const Notice& notice) {
  std::vector<Mention> mentions;
  for (size_t i = 0; i < notice.lines.size(); ++i) {
    const NoticeLine& line = notice.lines[i];
    if (line.text.find('@') == std::string_view::npos) continue;
    for (const AddressAt& at : FindAddresses(line.text)) {
      if (mentions.size() >= kMentionsMax) return mentions;
      Mention mention{
          .address = at.address, .rank = RankOf(line, at, i, notice), .line = i, .own = {}, .following = {}};
      AppendText(Said(line.text, at), &mention.own);
      mentions.push_back(std::move(mention));
    }
  }
  // What stands below each, up to the next line with a mention of that rank or a better one.
  for (size_t m = 0; m < mentions.size(); ++m) {
    Mention& mention = mentions[m];
    if (mention.rank == MentionRank::kSomewhere) continue;
    size_t end = notice.lines.size();
    for (size_t next = m + 1; next < mentions.size(); ++next) {
      if (mentions[next].line == mention.line || mentions[next].rank < mention.rank) continue;
      if (EqualsIgnoreCase(mentions[next].address, mention.address)) continue;
      end = mentions[next].line;
      break;
    }
    size_t i = mention.line + 1;
    // In a transcript a line speaks for itself; what the other side said stands above it.
    if (IsTranscript(notice.lines[mention.line].text)) {
      if (mention.line > 0 && notice.lines[mention.line - 1].text.starts_with("<<<")) {
        AppendText(notice.lines[mention.line - 1].text, &mention.following);
      }
      for (; i < end && !notice.lines[i].text.empty() && !IsTranscript(notice.lines[i].text); ++i) {
        AppendText(notice.lines[i].text, &mention.own);
      }
      continue;
    }
    // The paragraph of its line, or the next one if there is none.
    if (mention.own.empty()) {
      while (i < end && notice.lines[i].text.empty()) ++i;
    }
    for (; i < end && !notice.lines[i].text.empty(); ++i) AppendText(notice.lines[i].text, &mention.own);
    for (; i < end && mention.following.size() < kOwnBytesMax; ++i)
      AppendText(notice.lines[i].text, &mention.following);
  }
  return mentions;
}

}  // namespace wavepost
