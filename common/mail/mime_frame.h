// What stands round the text and the HTML of a message: its MIME structure, the same for every recipient.
//
// mixed( alternative( text, related( html, pictures ) ), files ), of which only what is needed is there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wavepost {

struct AttachmentSpec;

struct MimeFrame {
  std::string content_headers;  // of the message: "Content-Type: multipart/...\r\n"
  // The body is before_text, the text's Content-Transfer-Encoding with the encoded text, before_html, the same of the
  // HTML, after_html.
  std::string before_text;
  std::string before_html;
  std::string after_html;

  size_t bytes() const { return before_text.size() + before_html.size() + after_html.size(); }
};

// Attachments are encoded here, once per campaign.
//
// boundary_seed: letters and digits that differ between campaigns, at most 40. A boundary starts with "=_", which no
// encoding lets through (body_encode.h); that it differs at all only helps readers when one mail quotes another.
MimeFrame MakeMimeFrame(const std::vector<AttachmentSpec>& attachments, std::string_view boundary_seed);

}  // namespace wavepost
