#include "common/mail/attachment.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/body_encode.h"
#include "common/mail/header_encode.h"
#include "common/mail/message.h"

namespace wavepost {
namespace {

constexpr std::string_view kCid = "cid:";

absl::Status Bad(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

bool IsTokenCharacter(char c) {  // RFC 2045 section 5.1
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-.^_`{|}~").find(c) != std::string_view::npos;
}

bool IsIdCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

bool IsContentType(std::string_view type) {
  const size_t slash = type.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == type.size()) return false;
  if (type.size() > kContentTypeBytesMax) return false;
  return std::all_of(type.begin(), type.begin() + slash, IsTokenCharacter) &&
         std::all_of(type.begin() + slash + 1, type.end(), IsTokenCharacter);
}

absl::Status CheckFileName(absl::string_view field, const AttachmentSpec& file) {
  const std::string& name = file.file_name;
  if (!HasValue(name)) {
    if (name.empty() && !file.content_id.empty()) return absl::OkStatus();
    return Bad(field, "file_name is empty; give the name under which the recipient sees the file");
  }
  if (name.size() > kFileNameBytesMax) {
    return Bad(field, absl::StrCat("file_name has ", name.size(), " bytes; at most ", kFileNameBytesMax,
                                   " are allowed; shorten it"));
  }
  if (!IsUtf8(name)) return Bad(field, "file_name is not valid UTF-8");
  const bool clean = CleanHeaderText(name) == name && name.find_first_of("/\\") == std::string::npos;
  if (!clean) {
    return Bad(field, "file_name has slashes, control characters, or spaces too many; give a plain file name");
  }
  return absl::OkStatus();
}

absl::Status CheckOne(absl::string_view field, const AttachmentSpec& file) {
  RETURN_IF_ERROR(CheckFileName(field, file));
  if (!IsContentType(file.content_type)) {
    return Bad(field, "content_type must be \"type/subtype\" without parameters, such as application/pdf");
  }
  for (const std::string_view composite : {"message/", "multipart/"}) {
    if (StartsWithIgnoreCase(file.content_type, composite)) {
      return Bad(field, absl::StrCat("content_type ", file.content_type,
                                     " is taken apart by mail servers; send the file as application/octet-stream"));
    }
  }
  if (file.content_id.size() > kContentIdBytesMax ||
      !std::all_of(file.content_id.begin(), file.content_id.end(), IsIdCharacter)) {
    return Bad(field, absl::StrCat("content_id must be at most ", kContentIdBytesMax,
                                   " letters, digits, dots, hyphens and underscores"));
  }
  return absl::OkStatus();
}

absl::Status CheckSize(absl::string_view field, size_t bytes) {
  if (bytes <= kAttachmentBytesMax) return absl::OkStatus();
  return Bad(field, absl::StrCat("with it the attachments have more than ", kAttachmentBytesMax,
                                 " bytes together; leave it out, make it smaller, or put it behind a link"));
}

// The position `offset` bytes into the literal, for people.
TemplatePosition Advance(TemplatePosition position, std::string_view text) {
  for (char c : text) {
    if (c == '\n') {
      ++position.line;
      position.column = 1;
    } else if ((static_cast<uint8_t>(c) & 0xC0) != 0x80) {
      ++position.column;
    }
  }
  return position;
}

// Whether an address can begin at `at`: behind a quote, an equals sign or "url(", or behind a tag of the template.
bool StartsAddress(std::string_view literal, size_t at, bool behind_tag) {
  if (at == 0) return behind_tag;
  const size_t before = literal.find_last_not_of(" \t\r\n", at - 1);
  if (before == std::string_view::npos) return false;
  if (literal[before] == '(') return before >= 3 && StartsWithIgnoreCase(literal.substr(before - 3), "url(");
  return std::string_view("\"'=").find(literal[before]) != std::string_view::npos;
}

// The next "cid:" that begins an address.
std::optional<size_t> FindCid(std::string_view literal, size_t from, bool behind_tag) {
  for (size_t i = from; i + kCid.size() <= literal.size(); ++i) {
    if (StartsWithIgnoreCase(literal.substr(i), kCid) && StartsAddress(literal, i, behind_tag)) return i;
  }
  return std::nullopt;
}

// Gathers in `*shown` which of `ids` the HTML shows.
absl::Status FindShown(const std::vector<TemplateToken>& html, const std::set<std::string_view>& ids,
                       std::set<std::string_view>* shown) {
  for (size_t t = 0; t < html.size(); ++t) {
    if (html[t].kind != TemplateToken::Kind::kLiteral) continue;
    const std::string_view literal = html[t].text;
    std::optional<size_t> at = FindCid(literal, 0, t > 0);
    for (; at.has_value(); at = FindCid(literal, *at + kCid.size(), t > 0)) {
      const size_t begin = *at + kCid.size();
      const size_t end = std::min(literal.find_first_of("\"')> \t\r\n", begin), literal.size());
      const auto position = [&] {
        return Advance(html[t].position, literal.substr(0, *at));
      };  // errors only: it counts
      const bool goes_on =
          end == literal.size() && t + 1 < html.size() &&
          (html[t + 1].kind == TemplateToken::Kind::kVariable || html[t + 1].kind == TemplateToken::Kind::kRaw);
      if (goes_on) {
        return TemplateError("html", position(),
                             "the name behind cid: ends in a variable, so that nobody can say whether there is such an "
                             "attachment; write the name out, and put a section round the whole picture");
      }
      const std::string_view id = literal.substr(begin, end - begin);
      const auto found = ids.find(id);
      if (found == ids.end()) {
        return TemplateError("html", position(),
                             absl::StrCat("the picture cid:", Printable(id, kContentIdBytesMax),
                                          " is not among the attachments; add one with this content_id, or correct "
                                          "the name"));
      }
      shown->insert(*found);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAttachments(const std::vector<AttachmentSpec>& attachments, const std::vector<TemplateToken>& html) {
  if (attachments.size() > kAttachmentsMax) {
    return Bad("attachments",
               absl::StrCat("there are ", attachments.size(), "; at most ", kAttachmentsMax, " are allowed"));
  }
  const auto field = [](size_t i) { return absl::StrCat("attachments[", i, "]"); };
  std::set<std::string_view> ids;
  size_t bytes = 0;
  for (size_t i = 0; i < attachments.size(); ++i) {
    RETURN_IF_ERROR(CheckOne(field(i), attachments[i]));
    bytes += attachments[i].data.size();
    RETURN_IF_ERROR(CheckSize(field(i), bytes));
    const std::string& id = attachments[i].content_id;
    if (!id.empty() && !ids.insert(id).second) {
      return Bad(field(i), absl::StrCat("content_id \"", id, "\" is there twice; each picture needs its own"));
    }
  }
  std::set<std::string_view> shown;
  RETURN_IF_ERROR(FindShown(html, ids, &shown));
  for (size_t i = 0; i < attachments.size(); ++i) {
    const std::string& id = attachments[i].content_id;
    if (id.empty() || shown.count(id) > 0) continue;
    return Bad(field(i), absl::StrCat("the HTML never shows it: write src=\"cid:", id,
                                      "\" where it belongs, or leave content_id empty to attach it as a file"));
  }
  return absl::OkStatus();
}

void AppendAttachment(const AttachmentSpec& attachment, std::string* out) {
  absl::StrAppend(out, "Content-Type: ", attachment.content_type);
  // Readers guess the charset of a text without one, and differ.
  if (StartsWithIgnoreCase(attachment.content_type, "text/") && IsUtf8(attachment.data)) {
    absl::StrAppend(out, "; charset=utf-8");
  }
  if (!attachment.file_name.empty()) AppendWordParameter("name", attachment.file_name, out);
  absl::StrAppend(out, "\r\nContent-Transfer-Encoding: base64\r\n");
  if (!attachment.content_id.empty()) absl::StrAppend(out, "Content-ID: <", attachment.content_id, ">\r\n");
  absl::StrAppend(out, "Content-Disposition: ", attachment.content_id.empty() ? "attachment" : "inline");
  if (!attachment.file_name.empty()) AppendParameter("filename", attachment.file_name, out);
  absl::StrAppend(out, "\r\n\r\n");
  AppendEncoded(attachment.data, TransferEncoding::kBase64, out);
}

}  // namespace wavepost
