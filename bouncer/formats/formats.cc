#include "bouncer/formats/formats.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bouncer/formats/complete.h"
#include "bouncer/formats/format_book.h"
#include "bouncer/formats/mentions.h"
#include "bouncer/formats/notice.h"
#include "bouncer/report/origin.h"
#include "bouncer/report/status_fields.h"
#include "common/base/strings.h"
#include "common/smtp/classify.h"
#include "common/smtp/reply.h"

namespace wavepost {
namespace {

constexpr std::string_view kGenericFormat = "generic";
constexpr std::string_view kStatusInTextFormat = "status-in-text";
constexpr size_t kContextBytesMax = 1500;
constexpr size_t kBriefBytes = 40;  // what stands below an address and is shorter explains nothing

// The words of a From header's names and local parts. Domains say nothing: people write from smtp-world.example, too.
ReplyWords FromWords(const Document& document) {
  const std::string_view from = document.headers.Get("from");
  const bool empty = from.empty() || from.find("<>") != std::string_view::npos;
  std::string names;
  for (size_t pos = 0; pos < from.size();) {
    const size_t at = std::min(from.find('@', pos), from.size());
    absl::StrAppend(&names, Av(from.substr(pos, at - pos)), " ");
    pos = std::min(from.find_first_of(" \t<>()[]\",;:", at), from.size());
  }
  return ToWords(absl::StrCat(names, empty ? " emptysender" : ""));
}

bool IsNullReturn(const Document& document) {
  const std::string_view path = document.headers.Get("return-path");
  return path == "<>" || ContainsIgnoreCase(path, "mailer-daemon");
}

bool IsAnswerSubject(std::string_view subject) {
  constexpr std::array<std::string_view, 6> kMarks = {"re:", "aw:", "sv:", "antw:", "odp:", "vs:"};
  return std::any_of(kMarks.begin(), kMarks.end(),
                     [subject](std::string_view mark) { return StartsWithIgnoreCase(subject, mark); });
}

struct Evidence {
  bool is_bounce = false;
  bool delayed = false;
  std::string_view format;
};

// The text says of its own accord that an address is wrong or a mailbox full.
bool BlamesRecipient(const Notice& notice) {
  const Verdict verdict = Classify(MakeReply(550, Sv(absl::string_view(notice.words.text))), Phase::kRcpt);
  return verdict.fault == wavepost::v1::RECIPIENT;
}

// "... to the following recipients:" stands right above the line.
bool IsIntroduced(const Notice& notice, size_t line) {
  for (size_t back = 1; back <= 3 && back <= line; ++back) {
    if (notice.lines[line - back].recipients_follow) return true;
  }
  return false;
}

Evidence Weigh(const Document& document, const Notice& notice, const std::vector<Mention>& mentions) {
  const FormatBook& book = FormatBook::Active();
  const std::string_view subject_text = document.headers.Get("subject");
  const FormatBook::Signs from = book.SignsOf(FromWords(document));
  const FormatBook::Signs subject = book.SignsOf(ToWords(subject_text));
  const FormatBook::Signs text = book.SignsOf(notice.words);
  const ClassifyRule* format = text.format != nullptr ? text.format : subject.format;

  Evidence evidence;
  evidence.format = format != nullptr ? std::string_view(format->name) : kGenericFormat;
  evidence.delayed = format != nullptr && (format->flags & kTemporaryAnyway) != 0;
  evidence.delayed |= (text.delay || subject.delay) && !text.final;

  const std::string automatic = AsciiLower(document.headers.Get("auto-submitted"));
  const bool program = from.daemon || IsNullReturn(document);
  const bool answers = IsAnswerSubject(subject_text) && !IsNullReturn(document);
  const auto named =
      std::find_if(mentions.begin(), mentions.end(), [](const Mention& m) { return m.rank == MentionRank::kBlock; });
  if (document.headers.Has("x-failed-recipients")) {
    evidence.is_bounce = true;
  } else if (format != nullptr) {
    // Some programs answer: "Re: ..." (James).
    evidence.is_bounce = program || (!answers && (subject.failure || !document.original.empty()));
  } else if (subject.answer || answers) {
    evidence.is_bounce = false;
  } else if (program) {
    // An administrator is a person, too: who does not say what it is about needs a sign that a program wrote.
    const bool automaton = IsNullReturn(document) || automatic.starts_with("auto-") || named != mentions.end();
    evidence.is_bounce = subject.failure ? text.failure || !text.answer
                                         : automaton && !text.answer && (text.failure || BlamesRecipient(notice));
  } else if (subject.failure && text.failure) {
    // No sign of a program but what it says: somebody named as failed, and a reason or the usual introduction.
    evidence.is_bounce = named != mentions.end() && (automatic.starts_with("auto") || evidence.delayed ||
                                                     IsIntroduced(notice, named->line) || BlamesRecipient(notice));
  }
  return evidence;
}

// The status part's fields, set as text by programs that do not know the type.
std::vector<ReportedRecipient> StatusInText(const Document& document) {
  constexpr std::array<std::string_view, 3> kStarts = {"reporting-mta:", "final-recipient:", "original-recipient:"};
  std::vector<ReportedRecipient> groups;
  for (const TextPart& part : document.texts) {
    if (!ContainsIgnoreCase(part.text, "final-recipient:")) continue;
    std::string_view rest = part.text;
    while (!rest.empty()) {
      if (std::any_of(kStarts.begin(), kStarts.end(),
                      [rest](std::string_view start) { return StartsWithIgnoreCase(rest, start); })) {
        ParseStatusFields(rest, &groups);
        break;
      }
      const size_t end = rest.find('\n');
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  std::erase_if(groups, [](const ReportedRecipient& g) {
    return (g.action.empty() && g.status.empty()) || (g.final_recipient.empty() && g.original_recipient.empty());
  });
  for (ReportedRecipient& group : groups) group.format = kStatusInTextFormat;
  return groups;
}

void Append(std::string_view text, size_t bytes_max, std::string* out) {
  if (text.empty() || out->size() >= bytes_max) return;
  absl::StrAppend(out, out->empty() ? "" : " ", Av(text.substr(0, bytes_max - out->size())));
}

// The code that the texts name, the first of them first.
std::string StatusIn(std::initializer_list<std::string_view> texts) {
  std::string imprecise;  // "5.0.0"
  for (const std::string_view text : texts) {
    for (const int klass : {5, 4}) {
      const EnhancedCode code = EnhancedCode::Find(text, klass);
      if (code.present() && (code.subject != 0 || code.detail != 0)) return code.ToString();
      if (code.present() && imprecise.empty()) imprecise = code.ToString();
    }
  }
  return imprecise;
}

ReportedRecipient GroupOf(const std::string& address, const std::vector<Mention>& mentions, std::string_view notice) {
  ReportedRecipient group;
  group.final_recipient = address;
  std::string following;
  for (const Mention& mention : mentions) {
    if (!EqualsIgnoreCase(mention.address, address)) continue;
    if (group.diagnostic.empty()) {
      group.diagnostic = mention.own;
    } else {
      Append(mention.own, kContextBytesMax, &following);
    }
    Append(mention.following, kContextBytesMax, &following);
  }
  group.status = StatusIn({group.diagnostic, following});
  group.context = following;
  if (following.size() < kBriefBytes) Append(notice, kContextBytesMax, &group.context);
  if (group.diagnostic.empty()) group.diagnostic = std::exchange(group.context, {});
  return group;
}

bool IsVague(const ReportedRecipient& group) {
  return Classify(MakeReply(550, absl::StrCat(group.diagnostic, " ", group.context)), Phase::kRcpt).vague;
}

}  // namespace

std::vector<ReportedRecipient> ReadBounce(const Document& document) {
  std::vector<ReportedRecipient> groups = document.groups;
  std::erase_if(groups, [](const ReportedRecipient& g) { return g.action.empty() && g.status.empty(); });
  if (groups.empty()) {
    groups = ReadTextBounce(document);
  } else {
    CompleteGroups(document, &groups);
  }
  return groups;
}

std::vector<ReportedRecipient> ReadTextBounce(const Document& document) {
  const Notice notice = Notice::Of(document);
  const std::vector<Mention> mentions = FindMentions(notice);
  const Evidence evidence = Weigh(document, notice, mentions);
  std::vector<ReportedRecipient> groups;
  // People paste such fields when they ask what they mean.
  if (evidence.is_bounce || IsFromMailSystem(document.headers) || document.content_type == "multipart/report") {
    groups = StatusInText(document);
  }
  if (!groups.empty()) {
    CompleteGroups(document, &groups);
    return groups;
  }
  if (!evidence.is_bounce) return {};

  std::string text;
  for (const NoticeLine& line : notice.lines) Append(line.text, kContextBytesMax, &text);
  for (const std::string& address : FailedAddresses(document, notice, mentions)) {
    if (groups.size() >= kReportRecipientsMax) break;
    groups.push_back(GroupOf(address, mentions, text));
  }
  // Who is alone may have the reason above the address.
  if (groups.size() == 1 && IsVague(groups.front())) Append(text, 2 * kContextBytesMax, &groups.front().context);
  if (groups.empty()) groups.push_back(GroupOf("", {}, text));
  // Several recipients above one reason share it.
  for (size_t i = groups.size() - 1; i > 0; --i) {
    if (groups[i - 1].diagnostic.empty()) groups[i - 1].diagnostic = groups[i].diagnostic;
  }
  for (ReportedRecipient& group : groups) {
    group.format = evidence.format;
    group.action = evidence.delayed ? "delayed" : "failed";
  }
  return groups;
}

}  // namespace wavepost
