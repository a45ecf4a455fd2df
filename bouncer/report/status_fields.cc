#include "bouncer/report/status_fields.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "bouncer/report/charset.h"
#include "bouncer/report/origin.h"
#include "common/base/strings.h"
#include "common/smtp/reply.h"

namespace wavepost {
namespace {

std::string_view Trim(std::string_view s) {
  const size_t first = s.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \t\r\n") - first + 1);
}

// "rfc822; a@b" -> type "rfc822", value "a@b". Without a type, as some write it, everything is the value.
std::pair<std::string_view, std::string_view> SplitType(std::string_view field) {
  const size_t semicolon = field.find(';');
  if (semicolon == std::string_view::npos) return {{}, Trim(field)};
  const std::string_view type = Trim(field.substr(0, semicolon));
  if (type.find_first_of(" \t@<") != std::string_view::npos) return {{}, Trim(field)};
  return {type, Trim(field.substr(semicolon + 1))};
}

// Undoes "\x{E4}" of an utf-8-addr-xtext (RFC 6533 section 3). Anything that is not such an escape stays as it is.
std::string UndoUtf8Escapes(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    const size_t close = s.substr(i, 3) == "\\x{" ? s.substr(i, 12).find('}') : std::string_view::npos;
    uint32_t c = 0;
    bool valid = close != std::string_view::npos && close > 3 && close <= 9;
    for (size_t k = 3; valid && k < close; ++k) {
      const char h = s[i + k];
      const int digit = h >= '0' && h <= '9'   ? h - '0'
                        : h >= 'A' && h <= 'F' ? h - 'A' + 10
                        : h >= 'a' && h <= 'f' ? h - 'a' + 10
                                               : -1;
      valid = digit >= 0;
      c = c << 4 | static_cast<uint32_t>(digit & 15);
    }
    if (!valid || c < 0x20 || c > 0x10FFFF) {
      out += s[i];
      continue;
    }
    AppendUtf8(c, &out);
    i += close;
  }
  return out;
}

// What is an address in "@a,@b:c@d" (RFC 5321 appendix C), "|/bin/filter c@d", "<c@d> (Name)", "mailto:c@d".
std::string_view BareAddress(std::string_view value) {
  if (value.starts_with('@')) value = value.substr(value.rfind(':') + 1);
  if (StartsWithIgnoreCase(value, "mailto:")) value.remove_prefix(7);
  const size_t open = value.find('<');
  const size_t close = value.find('>', open == std::string_view::npos ? 0 : open);
  if (open != std::string_view::npos && close != std::string_view::npos)
    value = value.substr(open + 1, close - open - 1);
  return Trim(value);
}

std::string AddressOf(std::string_view field) {
  auto [type, value] = SplitType(field);
  // Some say it twice: "rfc822;rfc822;a@b".
  if (const auto [again, rest] = SplitType(value); EqualsIgnoreCase(again, type)) value = rest;
  std::string address(BareAddress(value));
  if (EqualsIgnoreCase(type, "utf-8")) address = UndoUtf8Escapes(address);
  if (address.find_first_of(" |/") != std::string::npos && !address.starts_with('"')) {
    // A command or a comment around it; two addresses would be a guess.
    std::vector<std::string> found = AddressesIn(address, 2);
    if (found.size() == 1) address = std::move(found[0]);
  }
  return Printable(address, kReportFieldBytesMax);
}

std::string FirstWordLower(std::string_view field) {
  field = Trim(field);
  size_t end = 0;
  while (end < field.size() && ((field[end] | 0x20) >= 'a' && (field[end] | 0x20) <= 'z')) ++end;
  return AsciiLower(field.substr(0, end));
}

// Some have words of their own for what RFC 3464 section 2.3.3 calls "failed".
std::string ActionOf(std::string_view field) {
  constexpr std::array<std::string_view, 8> kFailed = {"failure",     "fail",    "bounced", "undeliverable",
                                                       "undelivered", "expired", "dropped", "rejected"};
  std::string action = FirstWordLower(field);
  if (std::find(kFailed.begin(), kFailed.end(), action) != kFailed.end()) return "failed";
  return action == "delay" ? "delayed" : action;
}

std::string NameOf(std::string_view field) {
  return Printable(SplitType(field).second, kReportFieldBytesMax);
}

// Collects fields in order and knows where one recipient ends and the next begins.
class Groups {
 public:
  explicit Groups(std::vector<ReportedRecipient>* out) : out_(out) {}

  void Field(std::string_view name, std::string_view value) {
    if (EqualsIgnoreCase(name, "Reporting-MTA")) {
      reporting_mta_ = NameOf(value);
      // Some put it into each recipient's group.
      if (open_) current_.reporting_mta = reporting_mta_;
      return;
    }
    if (EqualsIgnoreCase(name, "Final-Recipient")) {
      if (open_ && !current_.final_recipient.empty()) End();
      Open().final_recipient = AddressOf(value);
    } else if (EqualsIgnoreCase(name, "Original-Recipient")) {
      if (open_ && !current_.original_recipient.empty()) End();
      Open().original_recipient = AddressOf(value);
    } else if (EqualsIgnoreCase(name, "Action")) {
      Open().action = ActionOf(value);
    } else if (EqualsIgnoreCase(name, "Status")) {
      Open().status = EnhancedCode::Parse(Trim(value)).ToString();
    } else if (EqualsIgnoreCase(name, "Diagnostic-Code")) {
      Open().diagnostic = Printable(Trim(value), kReportFieldBytesMax);
    } else if (EqualsIgnoreCase(name, "Remote-MTA")) {
      Open().remote_mta = NameOf(value);
    }
  }

  void End() {
    // Neither Action nor Status, but a refusal quoted: that is news enough.
    if (current_.action.empty() && current_.status.empty() && !current_.final_recipient.empty()) {
      const std::optional<Reply> reply = ReplyFromText(SplitType(current_.diagnostic).second);
      if (reply && reply->permanent()) current_.action = "failed";
    }
    // A group that names nobody and says nothing of what was done (a stray Remote-MTA) is none.
    const bool speaks = !current_.final_recipient.empty() || !current_.original_recipient.empty() ||
                        !current_.action.empty() || !current_.status.empty();
    if (open_ && speaks) {
      if (out_->size() < kReportRecipientsMax) {
        out_->push_back(std::move(current_));
      } else {
        complete_ = false;
      }
    }
    current_ = {};
    open_ = false;
  }

  bool complete() const { return complete_; }

 private:
  ReportedRecipient& Open() {
    if (!open_) current_.reporting_mta = reporting_mta_;
    open_ = true;
    return current_;
  }

  std::vector<ReportedRecipient>* out_;
  std::string reporting_mta_;
  ReportedRecipient current_;
  bool open_ = false;
  bool complete_ = true;
};

}  // namespace

bool ParseStatusFields(std::string_view text, std::vector<ReportedRecipient>* out) {
  Groups groups(out);
  std::string_view name;
  std::string value;  // of the field that is being read, continuation lines joined
  const auto flush = [&] {
    if (!name.empty()) groups.Field(name, value);
    name = {};
    value.clear();
  };
  size_t pos = 0;
  while (pos < text.size() && groups.complete()) {
    size_t end = text.find('\n', pos);
    if (end == std::string_view::npos) end = text.size();
    std::string_view line = text.substr(pos, end - pos);
    pos = end + 1;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);

    if (Trim(line).empty()) {
      flush();
      groups.End();
    } else if (line[0] == ' ' || line[0] == '\t') {
      if (!name.empty() && value.size() < kReportFieldBytesMax) {
        value += ' ';
        value += Trim(line);
      }
    } else {
      flush();
      const size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      name = Trim(line.substr(0, colon));
      value = std::string(line.substr(colon + 1).substr(0, 2 * kReportFieldBytesMax));
    }
  }
  flush();
  groups.End();
  return groups.complete();
}

}  // namespace wavepost
