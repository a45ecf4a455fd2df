// Files in a message: what is allowed, and how they stand in it (RFC 2045, RFC 2183, RFC 2231, RFC 2392).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/content/template_tokens.h"

namespace wavepost {

struct AttachmentSpec;

inline constexpr size_t kFileNameBytesMax = 200;
inline constexpr size_t kContentIdBytesMax = 64;
inline constexpr size_t kContentTypeBytesMax = 127;

// Checks names, types and sizes, and that the pictures which the HTML shows by "cid:" are there, each inline one shown
// at least once.
//
// html:   tokens of the HTML template.
// Errors: kInvalidArgument that starts with "attachments[2]" (counted from 0), or "html:LINE:COLUMN" for a picture that
//         is not there, and says what to do.
absl::Status CheckAttachments(const std::vector<AttachmentSpec>& attachments, const std::vector<TemplateToken>& html);

// Appends the file as a MIME entity: header fields, blank line, base64, CRLF.
//
// The name stands there twice: as RFC 2231 wants it, and in Content-Type as an encoded word for old readers. Text keeps
// its bytes too: base64, so that no line end changes.
void AppendAttachment(const AttachmentSpec& attachment, std::string* out);

}  // namespace wavepost
