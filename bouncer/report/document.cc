#include "bouncer/report/document.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <utility>

#include "bouncer/report/charset.h"
#include "bouncer/report/header_block.h"
#include "bouncer/report/html_plain.h"
#include "bouncer/report/mime_head.h"
#include "bouncer/report/mime_part.h"
#include "bouncer/report/origin.h"
#include "bouncer/report/original.h"
#include "bouncer/report/status_fields.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

template <size_t n>
bool IsOneOf(std::string_view type, const std::array<std::string_view, n>& types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

constexpr std::array<std::string_view, 4> kStatusTypes = {"message/delivery-status", "message/global-delivery-status",
                                                          "text/delivery-status", "application/delivery-status"};
constexpr std::array<std::string_view, 4> kHeaderTypes = {"text/rfc822-headers", "message/global-headers",
                                                          "text/rfc822-header", "message/rfc822-headers"};
constexpr std::array<std::string_view, 4> kMessageTypes = {"message/rfc822", "message/global", "message/rfc2822",
                                                           "text/rfc822"};
constexpr std::array<std::string_view, 2> kFeedbackTypes = {"message/feedback-report", "text/feedback-report"};
constexpr std::array<std::string_view, 2> kDispositionTypes = {"message/disposition-notification",
                                                               "message/global-disposition-notification"};

// LF only, no control characters but that and the tab.
std::string Lines(std::string text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r') {
      if (i + 1 < text.size() && text[i + 1] == '\n') continue;
      out += '\n';
    } else if ((static_cast<uint8_t>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F) {
      out += ' ';
    } else {
      out += c;
    }
  }
  return out;
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Some keep the line that an mbox puts before each mail.
std::string_view WithoutMboxLine(std::string_view message) {
  if (!message.starts_with("From ") && !message.starts_with(">From ")) return message;
  const size_t end = message.find('\n');
  return end == std::string_view::npos ? message : message.substr(end + 1);
}

class Reader {
 public:
  explicit Reader(Document* document) : document_(*document) {}

  // Without recursion, in the order of the message. Does not enter the returned original.
  void Walk(GMimeObject* root) {
    std::vector<Waiting> waiting = {{root, 1, kNoAlternative}};
    size_t parts = 0;
    while (!waiting.empty()) {
      const Waiting next = waiting.back();
      waiting.pop_back();
      if (++parts > kMimePartsMax) {
        document_.truncated = true;
        break;
      }
      if (!GMIME_IS_MULTIPART(next.object)) {
        Leaf(next.object, next.alternative);
        continue;
      }
      GMimeMultipart* multipart = GMIME_MULTIPART(next.object);
      int count = g_mime_multipart_get_count(multipart);
      if (next.depth >= kMimeDepthMax) {
        document_.truncated = document_.truncated || count > 0;
        continue;
      }
      if (count > static_cast<int>(kMimePartsMax)) {
        count = static_cast<int>(kMimePartsMax);
        document_.truncated = true;
      }
      int alternative = next.alternative;
      if (PartType(next.object) == "multipart/alternative") alternative = ++alternatives_;
      for (int i = count - 1; i >= 0; --i) {
        waiting.push_back({g_mime_multipart_get_part(multipart, i), next.depth + 1, alternative});
      }
    }
  }

  // After the walk: which texts are kept, and HTML made plain.
  void FinishTexts() {
    std::erase_if(texts_, [this](const RawText& raw) { return raw.is_html && plain_.contains(raw.alternative); });
    size_t left = kTextBytesMax;
    for (RawText& raw : texts_) {
      std::string text = raw.is_html ? PlainFromHtml(raw.text, left) : std::move(raw.text);
      if (text.size() > left) {
        document_.truncated = true;
        text = ToUtf8(text, "", left);
      }
      left -= text.size();
      if (!IsBlank(text)) document_.texts.push_back({Lines(std::move(text)), raw.is_html});
    }
    texts_.clear();
  }

  // A part's text for people, still in its charset.
  void AddText(std::string_view bytes, std::string_view charset, bool is_html, int alternative) {
    if (IsBlank(bytes)) return;
    if (!is_html && alternative != kNoAlternative) plain_.insert(alternative);
    texts_.push_back({ToUtf8(bytes, charset, kDecodedBytesMax), is_html, alternative});
  }

  bool found_anything() const { return found_anything_; }

  static constexpr int kNoAlternative = 0;

 private:
  struct Waiting {
    GMimeObject* object;
    int depth;
    int alternative;  // number of the multipart/alternative around, or kNoAlternative
  };
  struct RawText {
    std::string text;  // UTF-8
    bool is_html;
    int alternative;
  };

  void Leaf(GMimeObject* object, int alternative) {
    const std::string type = PartType(object);
    if (GMIME_IS_MESSAGE_PART(object)) {
      found_anything_ = true;
      Original(g_mime_message_part_get_message(GMIME_MESSAGE_PART(object)));
      return;
    }
    if (!GMIME_IS_PART(object)) return;
    const bool is_text = type.starts_with("text/") || type.empty();
    const bool known = is_text || type.starts_with("message/") || IsOneOf(type, kStatusTypes);
    if (!known) return;
    const std::string content = DecodedContent(GMIME_PART(object), kDecodedBytesMax, &document_.truncated);
    found_anything_ = found_anything_ || !IsBlank(content);
    if (IsOneOf(type, kStatusTypes)) {
      document_.has_status_part = true;
      if (!ParseStatusFields(content, &document_.groups)) document_.truncated = true;
    } else if (IsOneOf(type, kFeedbackTypes)) {
      Feedback(content);
    } else if (IsOneOf(type, kDispositionTypes)) {
      document_.has_disposition = true;
    } else if (IsOneOf(type, kHeaderTypes) || IsOneOf(type, kMessageTypes)) {
      if (document_.original.empty()) {
        ReadHeaderBlock(WithoutMboxLine(content), &document_.original, nullptr);
      }
    } else if (is_text && type != "text/calendar" && type != "text/css") {
      AddText(content, TypeParameter(object, "charset"), type == "text/html" || LooksLikeHtml(content), alternative);
    }
  }

  void Original(GMimeMessage* message) {
    if (message == nullptr || !document_.original.empty()) return;
    GMimeHeaderList* list = g_mime_object_get_header_list(GMIME_OBJECT(message));
    const int count = g_mime_header_list_get_count(list);
    for (int i = 0; i < count; ++i) {
      GMimeHeader* header = g_mime_header_list_get_header_at(list, i);
      const char* raw = g_mime_header_get_raw_value(header);
      if (!AddHeaderField(g_mime_header_get_name(header), raw == nullptr ? "" : raw, &document_.original)) break;
    }
  }

  // Blank lines between the fields are as common as they are wrong.
  void Feedback(std::string_view content) {
    if (!document_.feedback) document_.feedback.emplace();
    size_t blocks_left = 10;
    while (!content.empty() && blocks_left-- > 0) {
      const size_t used = ReadHeaderBlock(content, &*document_.feedback, nullptr);
      if (used == 0) return;
      content.remove_prefix(used);
    }
  }

  Document& document_;
  std::vector<RawText> texts_;
  int alternatives_ = kNoAlternative;
  std::set<int> plain_;  // the alternatives that have a plain text
  bool found_anything_ = false;
};

// For reports whose MIME is broken or mislabelled: the fields stand somewhere in the bytes, as lines of their own.
void SearchForFields(std::string_view bytes, Document* document) {
  constexpr std::array<std::string_view, 4> kStarts = {
      "Reporting-MTA:", "Final-Recipient:", "Original-Recipient:", "Final-Recipient :"};
  for (size_t pos = 0; pos < bytes.size();) {
    const std::string_view rest = bytes.substr(pos);
    for (const std::string_view start : kStarts) {
      if (!StartsWithIgnoreCase(rest, start)) continue;
      if (!ParseStatusFields(rest.substr(0, kDecodedBytesMax), &document->groups)) document->truncated = true;
      return;
    }
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return;
    pos += end + 1;
  }
}

// A feedback report whose part is called text/plain.
void FindFeedback(Document* document) {
  for (const TextPart& part : document->texts) {
    const size_t start = part.text.starts_with("Feedback-Type:") ? 0 : part.text.find("\nFeedback-Type:");
    if (start == std::string::npos) continue;
    document->feedback.emplace();
    ReadHeaderBlock(std::string_view(part.text).substr(start), &*document->feedback, nullptr);
    return;
  }
}

}  // namespace

Document ReadDocument(std::string_view message) {
  Document document;
  message = WithoutMboxLine(message);
  const std::string_view head = MimeHead(message);
  document.truncated = head.size() < message.size();
  document.content_type = "text/plain";

  bool complete = true;
  const size_t header_bytes = ReadHeaderBlock(head, &document.headers, &complete);
  if (!complete) document.truncated = true;
  const std::string_view body = head.substr(header_bytes);

  Reader reader(&document);
  const GObjectPtr<GMimeMessage> mime = ParseMime(head);
  GMimeObject* root = mime == nullptr ? nullptr : g_mime_message_get_mime_part(mime.get());
  if (root != nullptr) {
    document.content_type = PartType(root);
    document.report_type = AsciiLower(Printable(TypeParameter(root, "report-type"), 100));
    reader.Walk(root);
  }
  // Borders that are not the declared ones, or none at all: the words are in there all the same.
  if (!reader.found_anything()) reader.AddText(body, "", LooksLikeHtml(body), Reader::kNoAlternative);
  reader.FinishTexts();

  if (document.original.empty() &&
      (IsFromMailSystem(document.headers) || document.content_type == "multipart/report")) {
    for (const TextPart& part : document.texts) {
      if (document.original.empty()) FindOriginalInText(part.text, &document.original);
    }
  }
  if (document.report_type == "feedback-report" && !document.feedback) FindFeedback(&document);
  const bool is_report = document.content_type == "multipart/report" &&
                         (document.report_type.empty() || ContainsIgnoreCase(document.report_type, "delivery-status"));
  if (document.groups.empty() && (is_report || document.has_status_part || IsFromMailSystem(document.headers))) {
    for (const TextPart& part : document.texts) {
      if (document.groups.empty()) SearchForFields(part.text, &document);
    }
    if (document.groups.empty() && is_report) SearchForFields(body, &document);
  }
  return document;
}

}  // namespace wavepost
