#include "bouncer/aggregate/mail_parts.h"

#include <gmime/gmime.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "bouncer/aggregate/fields.h"
#include "bouncer/aggregate/unpack.h"
#include "bouncer/report/mime_head.h"
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

// The part's bytes with the transfer encoding undone.
class Decoder {
 public:
  explicit Decoder(GMimePart* part) {
    GMimeDataWrapper* content = g_mime_part_get_content(part);
    GMimeStream* raw = content == nullptr ? nullptr : g_mime_data_wrapper_get_stream(content);
    if (raw == nullptr) return;
    g_mime_stream_reset(raw);
    stream_.reset(g_mime_stream_filter_new(raw));
    Owned<GMimeFilter> filter(g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(content), FALSE));
    g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream_.get()), filter.get());
  }

  // Reads until `out` has `bytes_max`, or to the end.
  void ReadTo(size_t bytes_max, std::string* out) {
    std::array<char, 16 * 1024> buffer;
    while (stream_ != nullptr && out->size() < bytes_max) {
      const ssize_t got =
          g_mime_stream_read(stream_.get(), buffer.data(), std::min(buffer.size(), bytes_max - out->size()));
      if (got <= 0) return;
      out->append(buffer.data(), static_cast<size_t>(got));
    }
  }

 private:
  Owned<GMimeStream> stream_;
};

bool CanBeReport(GMimePart* part, std::string_view start) {
  GMimeContentType* type = g_mime_object_get_content_type(GMIME_OBJECT(part));
  const bool named = g_mime_part_get_filename(part) != nullptr;
  const bool html = type != nullptr && g_mime_content_type_is_type(type, "text", "html");
  const bool text = type == nullptr || g_mime_content_type_is_type(type, "text", "plain");
  switch (Unpacker::ShapeOf(start)) {
    case Unpacker::Shape::kGzip:
    case Unpacker::Shape::kZip:
      return true;
    case Unpacker::Shape::kXml:
      return !html || named;
    case Unpacker::Shape::kJson:
      return !text || named;
    case Unpacker::Shape::kUnknown:
      return false;
  }
  return false;
}

// False: no more parts are wanted.
bool Offer(GMimePart* part, absl::FunctionRef<bool(std::string_view)> to) {
  constexpr size_t kStartBytes = 2048;
  Decoder decoder(part);
  std::string bytes;
  decoder.ReadTo(kStartBytes, &bytes);
  if (!CanBeReport(part, bytes)) return true;
  // One byte more than what Unpacker takes, so that it says so.
  decoder.ReadTo(kPackedBytesMax + 1, &bytes);
  return to(bytes);
}

void Walk(GMimeObject* root, absl::FunctionRef<bool(std::string_view)> part) {
  std::vector<std::pair<GMimeObject*, size_t>> waiting = {{root, 1}};
  for (size_t parts = 0; !waiting.empty() && parts < kAggregateMailPartsMax; ++parts) {
    const auto [object, depth] = waiting.back();
    waiting.pop_back();
    if (GMIME_IS_PART(object)) {
      if (!Offer(GMIME_PART(object), part)) return;
    } else if (depth >= kAggregateMailDepthMax) {
      continue;
    } else if (GMIME_IS_MULTIPART(object)) {
      const int count =
          std::min(g_mime_multipart_get_count(GMIME_MULTIPART(object)), static_cast<int>(kAggregateMailPartsMax));
      for (int i = count - 1; i >= 0; --i) {
        waiting.emplace_back(g_mime_multipart_get_part(GMIME_MULTIPART(object), i), depth + 1);
      }
    } else if (GMIME_IS_MESSAGE_PART(object)) {
      GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
      GMimeObject* inner_root = inner == nullptr ? nullptr : g_mime_message_get_mime_part(inner);
      if (inner_root != nullptr) waiting.emplace_back(inner_root, depth + 1);
    }
  }
}

std::string FromAddress(GMimeMessage* message) {
  InternetAddressList* list = g_mime_message_get_from(message);
  if (list == nullptr || internet_address_list_length(list) == 0) return {};
  InternetAddress* first = internet_address_list_get_address(list, 0);
  if (!INTERNET_ADDRESS_IS_MAILBOX(first)) return {};
  const char* address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(first));
  return address == nullptr ? std::string() : ReportText(address);
}

}  // namespace

std::string ForEachReportPart(std::string_view message, absl::FunctionRef<bool(std::string_view)> part) {
  InitMime();
  HeadLimits limits;
  limits.bytes = kAggregateMailBytesMax;
  limits.lines = kAggregateMailBytesMax / 20;
  const std::string_view head = MimeHead(message, limits);
  Owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(head.data(), head.size()));
  Owned<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  Owned<GMimeMessage> mime(g_mime_parser_construct_message(parser.get(), nullptr));
  if (mime == nullptr) return {};
  GMimeObject* root = g_mime_message_get_mime_part(mime.get());
  if (root != nullptr) Walk(root, part);
  return FromAddress(mime.get());
}

}  // namespace wavepost
