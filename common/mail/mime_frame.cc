#include "common/mail/mime_frame.h"

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/mail/attachment.h"
#include "common/mail/header_encode.h"
#include "common/mail/message.h"

namespace wavepost {
namespace {

std::string Boundary(char kind, std::string_view seed) {
  return absl::StrCat("=_", std::string(1, kind), Av(seed));
}

// "Content-Type: multipart/KIND; boundary=...", with CRLF.
std::string Multipart(absl::string_view kind, absl::string_view parameters, std::string_view boundary) {
  std::string out = absl::StrCat("Content-Type: multipart/", kind, parameters);
  AppendParameter("boundary", boundary, &out);
  out += "\r\n";
  return out;
}

// The line before a part, or behind the last one. The CRLF in front belongs to it (RFC 2046 section 5.1.1).
std::string Next(std::string_view boundary) {
  return absl::StrCat("\r\n--", Av(boundary), "\r\n");
}
std::string Last(std::string_view boundary) {
  return absl::StrCat("\r\n--", Av(boundary), "--\r\n");
}

void AppendFiles(const std::vector<AttachmentSpec>& attachments, bool is_inline, std::string_view boundary,
                 std::string* out) {
  for (const AttachmentSpec& attachment : attachments) {
    if (attachment.content_id.empty() == is_inline) continue;
    *out += Next(boundary);
    AppendAttachment(attachment, out);
  }
  *out += Last(boundary);
}

}  // namespace

MimeFrame MakeMimeFrame(const std::vector<AttachmentSpec>& attachments, std::string_view boundary_seed) {
  const std::string mixed = Boundary('m', boundary_seed);
  const std::string alternative = Boundary('a', boundary_seed);
  const std::string related = Boundary('r', boundary_seed);
  bool has_files = false;
  bool has_pictures = false;
  size_t bytes = 0;
  for (const AttachmentSpec& attachment : attachments) {
    (attachment.content_id.empty() ? has_files : has_pictures) = true;
    bytes += attachment.data.size();
  }

  MimeFrame out;
  out.after_html.reserve(bytes + bytes / 2 + 1024 * attachments.size() + 256);
  const std::string alternative_type = Multipart("alternative", "", alternative);
  // A first boundary needs no CRLF in front of it: the blank line behind the header fields is there.
  if (has_files) {
    out.content_headers = Multipart("mixed", "", mixed);
    out.before_text = absl::StrCat("--", mixed, "\r\n", alternative_type, "\r\n");
  } else {
    out.content_headers = alternative_type;
  }
  absl::StrAppend(&out.before_text, "--", alternative, "\r\nContent-Type: text/plain; charset=utf-8\r\n");

  out.before_html = Next(alternative);
  if (has_pictures) {
    // RFC 2387 section 3.1 asks for the root's type.
    absl::StrAppend(&out.before_html, Multipart("related", ";\r\n\ttype=\"text/html\"", related), "\r\n--", related,
                    "\r\n");
  }
  absl::StrAppend(&out.before_html, "Content-Type: text/html; charset=utf-8\r\n");

  if (has_pictures) AppendFiles(attachments, /*is_inline=*/true, related, &out.after_html);
  out.after_html += Last(alternative);
  if (has_files) AppendFiles(attachments, /*is_inline=*/false, mixed, &out.after_html);
  return out;
}

}  // namespace wavepost
