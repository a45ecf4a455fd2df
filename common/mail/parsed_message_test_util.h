// A message as GMime, which is not ours, reads it. For tests.
#pragma once

#include <gmime/gmime.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/mail/header_encode.h"
#include "common/mail/message.h"

namespace wavepost {

class ParsedMessage {
 public:
  explicit ParsedMessage(const RenderedMessage& message)
      : ParsedMessage(message.headers + message.content_headers + "\r\n" + message.body) {}
  explicit ParsedMessage(std::string raw) : raw_(std::move(raw)) {
    g_mime_init();
    GMimeStream* stream = g_mime_stream_mem_new_with_buffer(raw_.data(), raw_.size());
    GMimeParser* parser = g_mime_parser_new_with_stream(stream);
    message_ = g_mime_parser_construct_message(parser, nullptr);
    g_object_unref(parser);
    g_object_unref(stream);
  }
  ParsedMessage(const ParsedMessage&) = delete;
  ParsedMessage& operator=(const ParsedMessage&) = delete;
  ~ParsedMessage() {
    if (message_ != nullptr) g_object_unref(message_);
  }

  std::string Header(const char* name) const {
    const char* value = g_mime_object_get_header(GMIME_OBJECT(message_), name);
    return value == nullptr ? "(none)" : value;
  }
  std::string Subject() const { return g_mime_message_get_subject(message_); }
  std::string FromName() const { return NameOf(g_mime_message_get_from(message_)); }
  // "Name|address" for each.
  std::vector<std::string> ReplyTo() const {
    InternetAddressList* list = g_mime_message_get_reply_to(message_);
    std::vector<std::string> out;
    for (int i = 0; i < internet_address_list_length(list); ++i) {
      InternetAddress* address = internet_address_list_get_address(list, i);
      const char* name = internet_address_get_name(address);
      const char* mailbox = INTERNET_ADDRESS_IS_MAILBOX(address)
                                ? internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address))
                                : "";
      out.push_back(std::string(name == nullptr ? "" : name) + "|" + mailbox);
    }
    return out;
  }
  int HeaderCount() const {
    return g_mime_header_list_get_count(g_mime_object_get_header_list(GMIME_OBJECT(message_)));
  }

  // "mixed(alternative(text/plain,related(text/html,image/png)),application/pdf)"
  std::string Structure() const { return StructureOf(g_mime_message_get_mime_part(message_)); }

  // What is no multipart, in order.
  struct Part {
    std::string type;
    std::string content;      // decoded; line ends of text as \n
    std::string file_name;    // of Content-Disposition
    std::string legacy_name;  // "name" of Content-Type
    std::string disposition;
    std::string content_id;
  };
  std::vector<Part> Parts() const {
    std::vector<Part> out;
    Gather(g_mime_message_get_mime_part(message_), &out);
    return out;
  }
  std::string PartOf(const std::string& type) const {
    for (const Part& part : Parts()) {
      if (part.type == type) return part.content;
    }
    return "(none)";
  }

  const std::string& raw() const { return raw_; }

 private:
  static std::string NameOf(InternetAddressList* list) {
    const char* name = internet_address_get_name(internet_address_list_get_address(list, 0));
    return name == nullptr ? "" : name;
  }
  static std::string TypeOf(GMimeObject* object) {
    char* type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object));
    std::string out = type;
    g_free(type);
    return out;
  }
  static std::string StructureOf(GMimeObject* object) {
    if (!GMIME_IS_MULTIPART(object)) return TypeOf(object);
    std::string out = std::string(g_mime_content_type_get_media_subtype(g_mime_object_get_content_type(object))) + "(";
    for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); ++i) {
      if (i > 0) out += ",";
      out += StructureOf(g_mime_multipart_get_part(GMIME_MULTIPART(object), i));
    }
    return out + ")";
  }
  static void Gather(GMimeObject* object, std::vector<Part>* out) {
    if (GMIME_IS_MULTIPART(object)) {
      for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); ++i) {
        Gather(g_mime_multipart_get_part(GMIME_MULTIPART(object), i), out);
      }
      return;
    }
    ASSERT_TRUE(GMIME_IS_PART(object));
    const auto text = [](const char* s) { return std::string(s == nullptr ? "" : s); };
    Part part;
    part.type = TypeOf(object);
    GMimeStream* stream = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(GMIME_PART(object)), stream);
    const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    part.content.assign(reinterpret_cast<const char*>(bytes->data), bytes->len);
    g_object_unref(stream);
    const bool is_body = part.type == "text/plain" || part.type == "text/html";
    GMimeContentDisposition* disposition = g_mime_object_get_content_disposition(object);
    if (disposition != nullptr) {
      part.disposition = text(g_mime_content_disposition_get_disposition(disposition));
      part.file_name = text(g_mime_content_disposition_get_parameter(disposition, "filename"));
    } else if (is_body) {
      std::erase(part.content, '\r');
    }
    part.legacy_name = text(g_mime_content_type_get_parameter(g_mime_object_get_content_type(object), "name"));
    part.content_id = text(g_mime_object_get_content_id(object));
    out->push_back(std::move(part));
  }

  std::string raw_;
  GMimeMessage* message_ = nullptr;
};

// What every message must be like, whatever went into it: CRLF line ends only, 7 bits, no NUL, lines that fit.
inline void ExpectSoundBytes(const std::string& raw, bool ascii = true) {
  size_t line = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    ASSERT_NE(raw[i], '\0');
    ASSERT_TRUE(!ascii || static_cast<unsigned char>(raw[i]) < 0x80);
    ASSERT_TRUE(raw[i] != '\n' || raw[i - 1] == '\r');
    ASSERT_TRUE(raw[i] != '\r' || raw[i + 1] == '\n');
    line = raw[i] == '\n' ? 0 : line + 1;
    ASSERT_LE(line, kLineBytesMax + 1);  // with its CR
  }
}

inline ContentSpec SpecForTest() {
  ContentSpec spec;
  spec.subject = "Hello {{first}}";
  spec.from_name = "Survey Team";
  spec.from_address = "survey@news.example";
  spec.html = "<p>Dear {{first}}{{#company}} of {{company}}{{/company}}</p>";
  spec.text = "Dear {{first}}";
  spec.columns = {"email", "first", "company"};
  return spec;
}

inline absl::StatusOr<RenderedMessage> RenderForTest(const ContentSpec& spec, const std::vector<std::string>& values,
                                                     std::string_view address = "jane@example.com") {
  const auto compiled = MessageTemplate::Compile(spec);
  if (!compiled.ok()) return compiled.status();
  return (*compiled)->Render({address, &values, "abc@news.example", "tok3n", absl::FromUnixSeconds(1'700'000'000)});
}

}  // namespace wavepost
