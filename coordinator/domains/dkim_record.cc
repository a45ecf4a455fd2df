#include "coordinator/domains/dkim_record.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/strings.h"
#include "coordinator/domains/tag_list.h"

namespace wavepost {
namespace {

constexpr size_t kStringBytesMax = 255;  // of one string within a TXT record (RFC 1035 section 3.3.14)
constexpr size_t kTelltaleBytes = 20;    // a shorter piece of a key tells nothing

// The key without the blanks that RFC 6376 section 3.6.1 allows in it; empty: there is none.
std::string KeyOf(std::string_view text) {
  const TagList list = ParseTagList(text);
  const std::string* key = list.Find("p");
  return key == nullptr ? std::string() : WithoutBlanks(*key);
}

std::string KeyType(const TagList& list) {
  const std::string* type = list.Find("k");
  return type == nullptr ? "rsa" : *type;
}

std::string Base64Only(std::string_view text) {
  std::string out;
  for (char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=')
      out += c;
  }
  return out;
}

std::string Replace(const DkimWanted& wanted) {
  return absl::StrCat(" Replace it with ", Show(wanted.text), ", copied whole from the list of records.");
}

Verdict JudgeSeveral(const DkimWanted& wanted, const std::vector<std::string>& texts) {
  if (texts.size() == 2) {
    for (const auto& [head, tail] : {std::pair(texts[0], texts[1]), std::pair(texts[1], texts[0])}) {
      if (KeyOf(head + tail) == KeyOf(wanted.text)) {
        return Wrong(
            "DKIM_SPLIT_IN_TWO",
            absl::StrCat("The key at ", wanted.owner, " is spread over two TXT records, cut after ", head.size(),
                         " characters; receivers read each by itself. Delete both and add one TXT record with ",
                         Show(wanted.text),
                         ". If your DNS panel takes no more than 255 characters at once, enter it as two "
                         "strings in quotation marks within the same record."));
      }
    }
  }
  const bool ours = HoldsDkimKey(wanted.text, texts);
  return Wrong("DKIM_SEVERAL_RECORDS",
               absl::StrCat("There are ", Count(texts.size()), " TXT records at ", wanted.owner,
                            "; receivers take any of them, or none (RFC 6376 section 3.6.2.2). ",
                            ours ? "Keep only " : "Delete them all and add one: ", Show(wanted.text),
                            ours ? ", and delete the rest." : "."));
}

// The key is the right one: whether what stands round it spoils it.
Verdict JudgeRightKey(const DkimWanted& wanted, const TagList& list) {
  const std::string* version = list.Find("v");
  if (version != nullptr && (*version != "DKIM1" || list.tags.front().first != "v")) {
    return Wrong("DKIM_VERSION", absl::StrCat("The key record at ", wanted.owner, " must begin with \"v=DKIM1;\", and ",
                                              *version != "DKIM1" ? "says " + Show("v=" + *version, 40)
                                                                  : "has \"v=DKIM1\" further behind",
                                              "; receivers then ignore it.", Replace(wanted)));
  }
  const std::string want_type = KeyType(ParseTagList(wanted.text));
  if (KeyType(list) != want_type) {
    return Wrong("DKIM_KEY_TYPE", absl::StrCat("The key record at ", wanted.owner, " says ",
                                               list.Find("k") == nullptr ? "no \"k=\", which means \"k=rsa\""
                                                                         : Show("k=" + *list.Find("k"), 40),
                                               ", but the key is one for \"k=", want_type, "\".", Replace(wanted)));
  }
  const auto excludes = [&](std::string_view tag, std::string_view word, std::string_view other) {
    const std::string* value = list.Find(tag);
    if (value == nullptr) return false;
    const std::vector<std::string> words = absl::StrSplit(WithoutBlanks(*value), ':');
    return std::find(words.begin(), words.end(), word) == words.end() &&
           std::find(words.begin(), words.end(), other) == words.end();
  };
  if (excludes("h", "sha256", "sha256")) {
    return Wrong("DKIM_HASH",
                 absl::StrCat("The key record at ", wanted.owner, " allows only ", Show("h=" + *list.Find("h"), 40),
                              ", and we sign with sha256.", Replace(wanted)));
  }
  if (excludes("s", "*", "email")) {
    return Wrong("DKIM_SERVICE",
                 absl::StrCat("The key record at ", wanted.owner, " says ", Show("s=" + *list.Find("s"), 40),
                              ": the key is not for mail.", Replace(wanted)));
  }
  if (const std::string* flags = list.Find("t"); flags != nullptr && !excludes("t", "y", "y")) {
    return Fine(
        absl::StrCat("The key record at ", wanted.owner,
                     " says \"t=y\", test mode: some receivers then treat mail as if it were not signed. Remove "
                     "\"t=y\" from it."));
  }
  if (list.Find("p")->find_first_of(" \t\r\n") != std::string::npos) {
    return Fine(absl::StrCat("The key at ", wanted.owner,
                             " has blanks inside \"p=\". Most receivers skip them, some do not: enter the value ",
                             Show(wanted.text), " in one piece."));
  }
  return Fine();
}

Verdict JudgeOtherKey(const DkimWanted& wanted, const std::vector<DkimWanted>& others, const std::string& text,
                      const std::string& key, const std::string& want) {
  if (key.size() < want.size() && (want.starts_with(key) || want.ends_with(key)) && key.size() >= kTelltaleBytes) {
    const bool head = want.starts_with(key);
    return Wrong("DKIM_TRUNCATED",
                 absl::StrCat("The key at ", wanted.owner, head ? " is cut off" : " lacks its beginning", ": ",
                              key.size(), " of the ", want.size(), " characters of \"p=\" are there",
                              text.size() == kStringBytesMax
                                  ? ", because the DNS panel kept only 255 characters of the value. Enter it as two "
                                    "strings in quotation marks within one TXT record, or ask your DNS provider how to "
                                    "enter long values: "
                                  : ". Enter the whole value as one TXT record: ",
                              Show(wanted.text), "."));
  }
  for (const DkimWanted& other : others) {
    if (KeyOf(other.text) == key) {
      return Wrong("DKIM_KEYS_EXCHANGED", absl::StrCat("At ", wanted.owner, " stands the key that belongs at ",
                                                       other.owner, ".", Replace(wanted)));
    }
  }
  if (EqualsIgnoreCase(key, want)) {
    return Wrong("DKIM_CASE_CHANGED",
                 absl::StrCat("The key at ", wanted.owner,
                              " has lost the difference between capital and small letters, and so is another key.",
                              Replace(wanted)));
  }
  if (Base64Only(key) == want) {
    return Wrong("DKIM_FOREIGN_CHARACTERS",
                 absl::StrCat("The key at ", wanted.owner,
                              " has characters inside \"p=\" that do not belong there, perhaps invisible ones from a "
                              "word processor.",
                              Replace(wanted)));
  }
  return Wrong("DKIM_OTHER_KEY", absl::StrCat("At ", wanted.owner, " stands another key than ours: ", Show(text),
                                              ". Mail that we sign does not pass with it.", Replace(wanted)));
}

}  // namespace

bool HoldsDkimKey(std::string_view wanted_text, const std::vector<std::string>& texts) {
  const std::string want = KeyOf(wanted_text);
  return !want.empty() &&
         std::any_of(texts.begin(), texts.end(), [&](const std::string& text) { return KeyOf(text) == want; });
}

Verdict JudgeDkimText(const DkimWanted& wanted, const std::vector<DkimWanted>& others,
                      const std::vector<std::string>& texts) {
  if (texts.empty()) {
    return Missing("DKIM_MISSING", absl::StrCat("There is no TXT record at ", wanted.owner, ". Add one with the value ",
                                                Show(wanted.text), ", copied whole from the list of records."));
  }
  if (texts.size() > 1) return JudgeSeveral(wanted, texts);
  const std::string& text = texts.front();
  const std::string want = KeyOf(wanted.text);
  if (text.find('\\') != std::string::npos) {
    return Wrong("DKIM_BACKSLASHES",
                 absl::StrCat("The key record at ", wanted.owner, " has backslashes in it: ", Show(text),
                              ". Your DNS panel needs none before a semicolon.", Replace(wanted)));
  }
  if (text.find('"') != std::string::npos) {
    return Wrong("DKIM_QUOTES",
                 absl::StrCat("The key record at ", wanted.owner, " has quotation marks inside its value: ", Show(text),
                              ". Your DNS panel splits long values by itself: enter it in one piece and without "
                              "quotation marks.",
                              Replace(wanted)));
  }
  if (WithoutBlanks(text) == want) {
    return Wrong("DKIM_ONLY_KEY",
                 absl::StrCat("At ", wanted.owner, " stands the key alone, without \"",
                              wanted.text.substr(0, wanted.text.find("p=") + 2), "\" before it.", Replace(wanted)));
  }
  const TagList list = ParseTagList(text);
  const std::string* key = list.Find("p");
  if (key == nullptr && !StartsWithIgnoreCase(text, "v=DKIM")) {
    return Wrong(
        "DKIM_OTHER_TEXT",
        absl::StrCat("The TXT record at ", wanted.owner, " is no DKIM key: ", Show(text),
                     ". If nobody has entered it there, it comes from a wildcard record (\"*\"), which an entry "
                     "of its own overrides.",
                     Replace(wanted)));
  }
  if (!list.fault.empty()) {
    return Wrong("DKIM_SYNTAX", absl::StrCat("The key record at ", wanted.owner, " cannot be read: ", list.fault, ".",
                                             Replace(wanted)));
  }
  if (key == nullptr) {
    const bool run_together = text.find(';') == std::string::npos && text.find("p=") != std::string::npos;
    return Wrong("DKIM_SYNTAX",
                 absl::StrCat("The key record at ", wanted.owner,
                              run_together ? " has no semicolons between its parts." : " has no \"p=\" with the key.",
                              Replace(wanted)));
  }
  const std::string found = WithoutBlanks(*key);
  if (found.empty()) {
    return Wrong("DKIM_REVOKED",
                 absl::StrCat("The key record at ", wanted.owner,
                              " has nothing behind \"p=\", which revokes the key (RFC 6376 section 3.6.1): receivers "
                              "refuse what it signed.",
                              Replace(wanted)));
  }
  if (found == want) return JudgeRightKey(wanted, list);
  return JudgeOtherKey(wanted, others, text, found, want);
}

Verdict JudgeDkimAlias(const DkimAliasSight& sight) {
  const std::string set = absl::StrCat(" a CNAME record that leads to ", sight.target, ".");
  if (sight.cname.empty()) {
    if (sight.texts.empty()) {
      return Missing("DKIM_MISSING", absl::StrCat("There is no CNAME record at ", sight.owner, ". Add", set));
    }
    const std::string_view text = Trim(sight.texts.front());
    if (EqualsIgnoreCase(text, sight.target) || EqualsIgnoreCase(text, sight.target + ".")) {
      return Wrong("DKIM_TXT_NOT_CNAME",
                   absl::StrCat("At ", sight.owner, " the name ", sight.target,
                                " stands in a TXT record, which leads nowhere. Delete it and add", set));
    }
    const bool ours = HoldsDkimKey(sight.key, sight.texts);
    return Wrong("DKIM_TXT_NOT_CNAME",
                 absl::StrCat("At ", sight.owner, " stands a TXT record",
                              ours ? " with today's key, which fails as soon as we change it" : ": ",
                              ours ? "" : Show(sight.texts.front()), ". Delete it and add", set));
  }
  if (sight.cname == AsciiLower(sight.target)) {
    if (sight.key.empty()) return Fine();
    const Verdict end = JudgeDkimText({sight.owner, sight.key}, {}, sight.texts);
    if (end.state == v1::RecordCheck::OK) return Fine();
    return Wrong("DKIM_OUR_SIDE",
                 absl::StrCat("The CNAME record at ", sight.owner, " is right, but at its end, ", sight.target, ", ",
                              sight.texts.empty() ? "no" : "another",
                              " key stands. That is ours to mend: tell us; you need not change anything."));
  }
  if (sight.cname.starts_with(AsciiLower(sight.target) + ".")) {
    return Wrong(
        "DKIM_CNAME_ZONE_APPENDED",
        absl::StrCat("The CNAME record at ", sight.owner, " leads to ", sight.cname,
                     ": your DNS panel has put your own domain behind its target. Enter the target with a final "
                     "dot: \"",
                     sight.target, ".\"."));
  }
  return Wrong("DKIM_CNAME_ELSEWHERE", absl::StrCat("The CNAME record at ", sight.owner, " leads to ", sight.cname,
                                                    ". Change its target to ", sight.target, "."));
}

}  // namespace wavepost
