// gmime-read FILE...: what GMime finds in each message, one line of JSON per file, for messages_test.py to compare.
#include <gmime/gmime.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

std::string TextOf(const char* text) {
  return text == nullptr ? "" : text;
}

std::string TakeText(char* text) {
  std::string out = TextOf(text);
  g_free(text);
  return out;
}

std::string Sha256Of(GMimePart* part) {
  GMimeStream* const memory = g_mime_stream_mem_new();
  GMimeDataWrapper* const content = g_mime_part_get_content(part);
  if (content != nullptr) g_mime_data_wrapper_write_to_stream(content, memory);
  GByteArray* const bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
  std::string out = TakeText(g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->len));
  g_object_unref(memory);
  return out;
}

void Collect(GMimeObject* object, nlohmann::json* out) {
  if (GMIME_IS_MULTIPART(object)) {
    for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); ++i) {
      Collect(g_mime_multipart_get_part(GMIME_MULTIPART(object), i), out);
    }
    return;
  }
  if (!GMIME_IS_PART(object)) return;
  GMimePart* const part = GMIME_PART(object);
  GMimeContentType* const type = g_mime_object_get_content_type(object);
  const bool attachment = g_mime_part_is_attachment(part);
  if (!attachment && g_mime_content_type_is_type(type, "text", "plain")) {
    (*out)["text"] = TakeText(g_mime_text_part_get_text(GMIME_TEXT_PART(object)));
  } else if (!attachment && g_mime_content_type_is_type(type, "text", "html")) {
    (*out)["html"] = TakeText(g_mime_text_part_get_text(GMIME_TEXT_PART(object)));
  } else {
    (*out)["attachments"].push_back({{"name", TextOf(g_mime_part_get_filename(part))},
                                     {"type", TakeText(g_mime_content_type_get_mime_type(type))},
                                     {"cid", TextOf(g_mime_part_get_content_id(part))},
                                     {"sha256", Sha256Of(part)}});
  }
}

nlohmann::json ReadMessage(const char* path) {
  nlohmann::json out = {{"file", path}, {"attachments", nlohmann::json::array()}};
  GMimeStream* const file = g_mime_stream_fs_open(path, 0, 0, nullptr);
  if (file == nullptr) return out;
  GMimeParser* const parser = g_mime_parser_new_with_stream(file);
  GMimeMessage* const message = g_mime_parser_construct_message(parser, nullptr);
  if (message != nullptr) {
    out["subject"] = TextOf(g_mime_message_get_subject(message));
    InternetAddress* const from = internet_address_list_get_address(g_mime_message_get_from(message), 0);
    out["from_name"] = TextOf(from == nullptr ? nullptr : internet_address_get_name(from));
    out["from_address"] =
        from == nullptr ? "" : TextOf(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(from)));
    InternetAddress* const to = internet_address_list_get_address(g_mime_message_get_to(message), 0);
    out["to"] = to == nullptr ? "" : TextOf(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(to)));
    GMimeHeaderList* const headers = g_mime_object_get_header_list(GMIME_OBJECT(message));
    for (int i = 0; i < g_mime_header_list_get_count(headers); ++i) {
      GMimeHeader* const header = g_mime_header_list_get_header_at(headers, i);
      out["headers"][g_mime_header_get_name(header)] = TextOf(g_mime_header_get_value(header));
    }
    Collect(g_mime_message_get_mime_part(message), &out);
    g_object_unref(message);
  }
  g_object_unref(parser);
  g_object_unref(file);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  g_mime_init();
  for (int i = 1; i < argc; ++i) {
    std::cout << ReadMessage(argv[i]).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  }
  g_mime_shutdown();
  return 0;
}
