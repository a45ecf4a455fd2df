#include "bouncer/report/parser.h"

#include <gmime/gmime.h>

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bouncer/report/mime_head.h"
#include "bouncer/report/status_fields.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using Owned = std::unique_ptr<T, Unref>;

void InitMime() {
  static std::once_flag once;
  std::call_once(once, [] {
    g_mime_init();
    // Complaints about hostile mail are no news for our log.
    g_log_set_handler(
        "gmime", static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO),
        [](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
  });
}

std::string Header(GMimeObject* object, const char* name) {
  const char* value = g_mime_object_get_header(object, name);
  return value == nullptr ? std::string() : Printable(value);
}

bool IsType(GMimeObject* object, const char* type, const char* subtype) {
  GMimeContentType* content_type = g_mime_object_get_content_type(object);
  return content_type != nullptr && g_mime_content_type_is_type(content_type, type, subtype);
}

// The part's content with its transfer encoding undone, at most kDecodedBytesMax.
std::string Decoded(GMimePart* part, bool* truncated) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  GMimeStream* raw = content == nullptr ? nullptr : g_mime_data_wrapper_get_stream(content);
  if (raw == nullptr) return {};
  g_mime_stream_reset(raw);
  Owned<GMimeStream> stream(g_mime_stream_filter_new(raw));
  Owned<GMimeFilter> filter(g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(content), FALSE));
  g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream.get()), filter.get());

  std::string out;
  std::array<char, 8192> buffer;
  while (out.size() < kDecodedBytesMax) {
    const ssize_t got = g_mime_stream_read(stream.get(), buffer.data(), buffer.size());
    if (got <= 0) return out;
    out.append(buffer.data(), static_cast<size_t>(got));
  }
  out.resize(kDecodedBytesMax);
  *truncated = true;
  return out;
}

// Walks the tree without recursion, in the order of the message. Does not enter the returned original.
void CollectStatusParts(GMimeObject* root, Report* report) {
  std::vector<std::pair<GMimeObject*, int>> waiting = {{root, 1}};
  size_t parts = 0;
  while (!waiting.empty()) {
    const auto [object, depth] = waiting.back();
    waiting.pop_back();
    if (++parts > kMimePartsMax) {
      report->truncated = true;
      return;
    }
    if (GMIME_IS_MULTIPART(object)) {
      GMimeMultipart* multipart = GMIME_MULTIPART(object);
      int count = g_mime_multipart_get_count(multipart);
      if (depth >= kMimeDepthMax) {
        report->truncated = report->truncated || count > 0;
        continue;
      }
      if (count > static_cast<int>(kMimePartsMax)) {
        count = static_cast<int>(kMimePartsMax);
        report->truncated = true;
      }
      for (int i = count - 1; i >= 0; --i) waiting.emplace_back(g_mime_multipart_get_part(multipart, i), depth + 1);
    } else if (GMIME_IS_PART(object) &&
               (IsType(object, "message", "delivery-status") || IsType(object, "message", "global-delivery-status"))) {
      report->is_delivery_report = true;
      const std::string text = Decoded(GMIME_PART(object), &report->truncated);
      if (!ParseStatusFields(text, &report->recipients)) report->truncated = true;
    }
  }
}

// For reports whose MIME is broken: the fields stand somewhere in the bytes, as lines of their own.
void SearchForFields(std::string_view bytes, Report* report) {
  constexpr std::array<std::string_view, 3> kStarts = {"Reporting-MTA:", "Final-Recipient:", "Original-Recipient:"};
  for (size_t pos = 0; pos < bytes.size();) {
    const std::string_view rest = bytes.substr(pos);
    for (const std::string_view start : kStarts) {
      if (!StartsWithIgnoreCase(rest, start)) continue;
      if (!ParseStatusFields(rest.substr(0, kDecodedBytesMax), &report->recipients)) report->truncated = true;
      return;
    }
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return;
    pos += end + 1;
  }
}

}  // namespace

Report ParseReport(std::string_view message) {
  InitMime();
  Report report;
  const std::string_view head = MimeHead(message);
  report.truncated = head.size() < message.size();

  Owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(head.data(), head.size()));
  Owned<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  Owned<GMimeMessage> mime(g_mime_parser_construct_message(parser.get(), nullptr));
  if (mime == nullptr) return report;

  if (const char* subject = g_mime_message_get_subject(mime.get()); subject != nullptr) {
    report.subject = Printable(subject);
  }
  report.auto_submitted = AsciiLower(Header(GMIME_OBJECT(mime.get()), "Auto-Submitted"));
  report.precedence = AsciiLower(Header(GMIME_OBJECT(mime.get()), "Precedence"));

  GMimeObject* root = g_mime_message_get_mime_part(mime.get());
  if (root == nullptr) return report;
  CollectStatusParts(root, &report);
  if (report.recipients.empty() && IsType(root, "multipart", "report")) {
    const char* kind = g_mime_object_get_content_type_parameter(root, "report-type");
    if (kind == nullptr || ContainsIgnoreCase(kind, "delivery-status")) {
      report.is_delivery_report = true;
      SearchForFields(head, &report);
    }
  }
  return report;
}

}  // namespace wavepost
