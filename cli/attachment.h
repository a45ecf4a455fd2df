// What --attach and --inline say, as an attachment of a campaign. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wavepost::cli {

inline constexpr size_t kFileNameBytesMax = 200;  // the API's, as are the next two
inline constexpr size_t kContentIdBytesMax = 64;
inline constexpr size_t kAttachmentsMax = 50;

struct AttachmentSpec {
  std::string option;        // "--attach" or "--inline", for messages
  std::string path;          // the file here
  std::string file_name;     // what the recipient sees; may be empty for inline ones
  std::string content_type;  // "application/pdf"
  std::string content_id;    // empty: not inline
};

// "FILE", "FILE;type=application/pdf;name=Angebot.pdf" in any order. Without type it is guessed from the extension of
// the name, without name that is the file's own. Errors: usage errors that show the right form.
absl::StatusOr<AttachmentSpec> ParseAttach(std::string_view text);

// "CID=FILE" with the same additions: shown inside the HTML by src="cid:CID".
absl::StatusOr<AttachmentSpec> ParseInline(std::string_view text);

// By extension, any letter case; "application/octet-stream" if it says nothing.
std::string_view ContentTypeOf(std::string_view path);

}  // namespace wavepost::cli
