#include "cli/attachment.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr char kAttachForm[] = "--attach 'FILE;type=application/pdf;name=Angebot.pdf'";
constexpr char kInlineForm[] = "--inline 'CID=FILE;type=image/png', with letters, digits, '.', '_', '-' in CID";

// What people attach to mail. Everything else is bytes to a mail program, too.
constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
    {"avif", "image/avif"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"gif", "image/gif"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ics", "text/calendar"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"json", "application/json"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},
    {"txt", "text/plain"},
    {"vcf", "text/vcard"},
    {"webp", "image/webp"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
};

absl::Status Wrong(const AttachmentSpec& spec, std::string_view text, std::string_view what) {
  return UsageError(absl::StrCat(spec.option, " '", Printable(text, 200), "': ", Av(what), "; write ",
                                 spec.option == "--attach" ? kAttachForm : kInlineForm));
}

// "type/subtype" of RFC 6838 names.
bool IsContentType(std::string_view type) {
  const size_t slash = type.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == type.size() || type.size() > 127) return false;
  return std::all_of(type.begin(), type.end(), [slash, &type](const char& c) {
    if (&c == type.data() + slash) return true;
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
  });
}

bool IsContentId(std::string_view id) {
  return !id.empty() && id.size() <= kContentIdBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

// The part behind the last ';' if it begins with `key`, taken off `text`.
bool TakeOff(std::string_view key, std::string_view* text, std::string* value) {
  const size_t at = text->rfind(';');
  if (at == std::string_view::npos || text->substr(at + 1, key.size()) != key) return false;
  *value = std::string(text->substr(at + 1 + key.size()));
  *text = text->substr(0, at);
  return true;
}

absl::StatusOr<AttachmentSpec> Parse(std::string_view whole, std::string_view rest, AttachmentSpec spec) {
  // From the end, so that a path may hold semicolons.
  bool type_given = false;
  bool name_given = false;
  while (true) {
    if (!type_given && TakeOff("type=", &rest, &spec.content_type)) {
      type_given = true;
    } else if (!name_given && TakeOff("name=", &rest, &spec.file_name)) {
      name_given = true;
    } else {
      break;
    }
  }
  if (rest.empty()) return Wrong(spec, whole, "names no file");
  spec.path = std::string(rest);
  if (!name_given && spec.content_id.empty()) spec.file_name = spec.path.substr(spec.path.rfind('/') + 1);
  if (!type_given) spec.content_type = std::string(ContentTypeOf(name_given ? spec.file_name : spec.path));
  if (!IsContentType(spec.content_type)) {
    return Wrong(spec, whole, absl::StrCat("'", Printable(spec.content_type, 100), "' is no content type"));
  }
  const std::string& name = spec.file_name;
  if ((name.empty() && (name_given || spec.content_id.empty())) || name.size() > kFileNameBytesMax ||
      Printable(name) != name || name.find_first_of("/\\") != std::string::npos) {
    return Wrong(spec, whole,
                 absl::StrCat("the name for the recipient must be UTF-8 of 1 to ", kFileNameBytesMax,
                              " bytes without slashes and control characters; give one with ;name="));
  }
  return spec;
}

}  // namespace

absl::StatusOr<AttachmentSpec> ParseAttach(std::string_view text) {
  AttachmentSpec spec;
  spec.option = "--attach";
  return Parse(text, text, std::move(spec));
}

absl::StatusOr<AttachmentSpec> ParseInline(std::string_view text) {
  AttachmentSpec spec;
  spec.option = "--inline";
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || !IsContentId(text.substr(0, equals))) {
    return Wrong(spec, text, "does not begin with a content id");
  }
  spec.content_id = std::string(text.substr(0, equals));
  return Parse(text, text.substr(equals + 1), std::move(spec));
}

std::string_view ContentTypeOf(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const size_t dot = name.rfind('.');
  if (dot != std::string_view::npos) {
    const std::string extension = AsciiLower(name.substr(dot + 1));
    for (const auto& [known, type] : kTypes) {
      if (known == extension) return type;
    }
  }
  return "application/octet-stream";
}

}  // namespace wavepost::cli
