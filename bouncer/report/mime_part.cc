#include "bouncer/report/mime_part.h"

#include <array>
#include <mutex>

#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kPeekBytes = 400;

// A part that says base64 and has words in its first lines is not.
bool CannotBeBase64(std::string_view content) {
  size_t spaces = 0;
  for (const char c : content) spaces += c == ' ';
  return spaces > 5;
}

std::string ReadAll(GMimeStream* stream, size_t bytes_max, bool* truncated) {
  std::string out;
  std::array<char, 8192> buffer;
  while (out.size() < bytes_max) {
    const ssize_t got = g_mime_stream_read(stream, buffer.data(), buffer.size());
    if (got <= 0) return out;
    out.append(buffer.data(), static_cast<size_t>(got));
  }
  // Exactly as much is not too much.
  if (out.size() > bytes_max || g_mime_stream_read(stream, buffer.data(), 1) > 0) *truncated = true;
  out.resize(bytes_max);
  return out;
}

}  // namespace

void InitMime() {
  static std::once_flag once;
  std::call_once(once, [] {
    g_mime_init();
    g_log_set_handler(
        "gmime", static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO),
        [](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
  });
}

GObjectPtr<GMimeMessage> ParseMime(std::string_view head) {
  InitMime();
  GObjectPtr<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(head.data(), head.size()));
  GObjectPtr<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  return GObjectPtr<GMimeMessage>(g_mime_parser_construct_message(parser.get(), nullptr));
}

std::string PartType(GMimeObject* object) {
  GMimeContentType* type = g_mime_object_get_content_type(object);
  if (type == nullptr) return {};
  const char* major = g_mime_content_type_get_media_type(type);
  const char* minor = g_mime_content_type_get_media_subtype(type);
  if (major == nullptr || minor == nullptr) return {};
  return AsciiLower(Printable(std::string(major) + "/" + minor, 100));
}

std::string_view TypeParameter(GMimeObject* object, const char* name) {
  const char* value = g_mime_object_get_content_type_parameter(object, name);
  return value == nullptr ? std::string_view() : value;
}

std::string DecodedContent(GMimePart* part, size_t bytes_max, bool* truncated) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  GMimeStream* raw = content == nullptr ? nullptr : g_mime_data_wrapper_get_stream(content);
  if (raw == nullptr) return {};
  g_mime_stream_reset(raw);
  const GMimeContentEncoding encoding = g_mime_data_wrapper_get_encoding(content);
  if (encoding != GMIME_CONTENT_ENCODING_BASE64 && encoding != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE &&
      encoding != GMIME_CONTENT_ENCODING_UUENCODE) {
    return ReadAll(raw, bytes_max, truncated);
  }
  if (encoding == GMIME_CONTENT_ENCODING_BASE64) {
    bool more = false;
    const bool plain = CannotBeBase64(ReadAll(raw, kPeekBytes, &more));
    g_mime_stream_reset(raw);
    if (plain) return ReadAll(raw, bytes_max, truncated);
  }
  GObjectPtr<GMimeStream> stream(g_mime_stream_filter_new(raw));
  GObjectPtr<GMimeFilter> filter(g_mime_filter_basic_new(encoding, FALSE));
  g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream.get()), filter.get());
  return ReadAll(stream.get(), bytes_max, truncated);
}

}  // namespace wavepost
