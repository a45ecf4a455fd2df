#include "common/mail/address.h"

#include <idn2.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

// More than any address needs, U-labels included; keeps hostile input away from everything behind.
constexpr size_t kInputBytesMax = 1024;
constexpr size_t kLabelBytesMax = 63;  // RFC 1035 section 2.3.4

template <class... Parts>
absl::Status Bad(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// RFC 5321 section 4.1.2 with RFC 6531 section 3.3: atext.
bool IsAtomChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || static_cast<uint8_t>(c) >= 0x80 ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool IsControl(char c) {
  return static_cast<uint8_t>(c) < 0x20 || c == 0x7F;
}

// For messages: a character as people know it.
std::string Shown(char c) {
  if (c == ' ') return "a space";
  if (IsControl(c)) return absl::StrFormat("the control character U+%04X", static_cast<uint8_t>(c));
  return absl::StrCat("'", absl::string_view(&c, 1), "'");
}

// Characters beyond ASCII that nobody means in an address: they come with text copied from documents and web pages.
// `text` is valid UTF-8.
absl::Status CheckInvisible(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const uint8_t lead = static_cast<uint8_t>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t c = length == 1 ? lead : lead & (0xFF >> (length + 1));
    for (size_t k = 1; k < length; ++k) c = c << 6 | (static_cast<uint8_t>(text[i + k]) & 0x3F);
    i += length;
    const bool invisible = (c >= 0x80 && c <= 0xA0) || c == 0xAD || c == 0x1680 || (c >= 0x2000 && c <= 0x200F) ||
                           (c >= 0x2028 && c <= 0x202F) || (c >= 0x205F && c <= 0x206F) || c == 0x3000 || c == 0xFEFF ||
                           (c >= 0xFFF0 && c <= 0xFFFF) || (c >= 0xE0000 && c <= 0xE0FFF);
    if (invisible) return Bad("the address contains the invisible character ", absl::StrFormat("U+%04X", c));
  }
  return absl::OkStatus();
}

// Reads a quoted local part from the start of `text` (RFC 5321 Quoted-string); `*bytes` is what it took, quotes
// included, `*content` what it means.
absl::Status ReadQuoted(std::string_view text, size_t* bytes, std::string* content) {
  for (size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      *bytes = i + 1;
      return absl::OkStatus();
    }
    if (c == '\\') {
      if (++i == text.size()) break;
      c = text[i];
      if (static_cast<uint8_t>(c) >= 0x80) return Bad("a backslash stands before a non-ASCII character");
    }
    if (IsControl(c)) return Bad("the part before the @ contains ", Shown(c));
    content->push_back(c);
  }
  return Bad("the quote at the start is not closed");
}

bool IsDotString(std::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.') return false;
  for (size_t i = 0; i < local.size(); ++i) {
    if (local[i] == '.' ? local[i + 1] == '.' : !IsAtomChar(local[i])) return false;
  }
  return true;
}

std::string Quote(std::string_view content) {
  std::string out = "\"";
  for (char c : content) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

absl::Status CheckUnquoted(std::string_view local) {
  if (local.empty()) return Bad("there is nothing before the @");
  if (local.front() == '.') return Bad("the part before the @ starts with a dot");
  if (local.back() == '.') return Bad("there is a dot right before the @");
  for (size_t i = 0; i < local.size(); ++i) {
    if (local[i] == '.') {
      if (local[i + 1] == '.') return Bad("there are two dots in a row before the @");
    } else if (!IsAtomChar(local[i])) {
      return Bad("the part before the @ contains ", Shown(local[i]));
    }
  }
  return absl::OkStatus();
}

// Letters, digits and hyphens (RFC 5321: sub-domain), A-labels included.
absl::Status CheckLabels(std::string_view domain) {
  if (domain.size() > kDomainBytesMax) return Bad("the domain is longer than ", kDomainBytesMax, " bytes");
  if (domain.front() == '.') return Bad("the domain starts with a dot");
  if (domain.back() == '.') return Bad("the domain ends with a dot");
  const std::vector<absl::string_view> labels = absl::StrSplit(Av(domain), '.');
  for (absl::string_view label : labels) {
    if (label.empty()) return Bad("the domain has two dots in a row");
    if (label.size() > kLabelBytesMax) return Bad("a part of the domain is longer than ", kLabelBytesMax, " bytes");
    if (label.front() == '-' || label.back() == '-') return Bad("a part of the domain starts or ends with a hyphen");
    for (char c : label) {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-') return Bad("the domain contains ", Shown(c));
    }
  }
  if (labels.size() < 2) return Bad("the domain '", Av(domain), "' has no dot");
  if (labels.back().find_first_not_of("0123456789") == absl::string_view::npos) {
    return Bad("the domain ends in a number: an IP address is not accepted");
  }
  return absl::OkStatus();
}

// IDNA2008 (RFC 5891) with the mapping of UTS #46 before it, as browsers do: upper case, full-width letters, NFC.
absl::StatusOr<std::string> ToALabels(const std::string& domain) {
  uint8_t* found = nullptr;
  const int code =
      idn2_lookup_u8(reinterpret_cast<const uint8_t*>(domain.c_str()), &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<uint8_t, void (*)(void*)> owned(found, idn2_free);
  if (code != IDN2_OK) {
    return Bad("the domain '", Printable(domain, kDomainBytesMax), "' is not valid (", idn2_strerror(code), ")");
  }
  return std::string(reinterpret_cast<const char*>(found));
}

}  // namespace

std::string Address::ToString() const {
  return absl::StrCat(local, "@", domain);
}

absl::StatusOr<std::string> ParseDomain(std::string_view text) {
  if (text.empty()) return Bad("the domain is missing");
  if (text.size() > kInputBytesMax) return Bad("the domain is longer than ", kDomainBytesMax, " bytes");
  if (text.front() == '[') return Bad("an IP address in brackets is not accepted as a domain");
  bool ascii = true;
  for (char c : text) {
    if (IsControl(c)) return Bad("the domain contains ", Shown(c));
    if (static_cast<uint8_t>(c) >= 0x80) ascii = false;
  }
  if (!ascii && !IsUtf8(text)) return Bad("the domain is not valid UTF-8");
  std::string domain = AsciiLower(text);
  if (!ascii || domain.find("xn--") != std::string::npos) {
    ASSIGN_OR_RETURN(domain, ToALabels(domain));
  }
  RETURN_IF_ERROR(CheckLabels(domain));
  return domain;
}

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  if (text.empty()) return Bad("the address is empty");
  if (text.size() > kInputBytesMax) return Bad("the address is longer than ", kAddressBytesMax, " bytes");
  if (!IsUtf8(text)) return Bad("the address is not valid UTF-8");
  if (absl::ascii_isspace(text.front()) || absl::ascii_isspace(text.back())) {
    return Bad("there is white space before or after the address");
  }
  RETURN_IF_ERROR(CheckInvisible(text));

  Address out;
  std::string_view domain;
  if (text.front() == '"') {
    size_t bytes = 0;
    std::string content;
    RETURN_IF_ERROR(ReadQuoted(text, &bytes, &content));
    if (content.empty()) return Bad("there is nothing before the @");
    if (bytes == text.size() || text[bytes] != '@') return Bad("the closing quote is not followed by an @");
    out.local = IsDotString(content) ? content : Quote(content);
    domain = text.substr(bytes + 1);
    if (domain.find('@') != std::string_view::npos) return Bad("there is more than one @");
  } else {
    if (text.back() == '>') return Bad("the address contains '>': give the address alone, without name and brackets");
    const size_t at = text.find('@');
    if (at == std::string_view::npos) return Bad("there is no @");
    if (text.find('@', at + 1) != std::string_view::npos) return Bad("there is more than one @");
    out.local = std::string(text.substr(0, at));
    RETURN_IF_ERROR(CheckUnquoted(out.local));
    domain = text.substr(at + 1);
    if (domain.empty()) return Bad("there is nothing after the @");
  }
  if (out.local.size() > kLocalPartBytesMax) {
    return Bad("the part before the @ is longer than ", kLocalPartBytesMax, " bytes");
  }
  ASSIGN_OR_RETURN(out.domain, ParseDomain(domain));
  if (out.local.size() + 1 + out.domain.size() > kAddressBytesMax) {
    return Bad("the address is longer than ", kAddressBytesMax, " bytes");
  }
  for (char c : out.local) out.needs_smtputf8 |= static_cast<uint8_t>(c) >= 0x80;
  return out;
}

std::string SuppressionKey(std::string_view normalized_address) {
  return AsciiLower(normalized_address);
}

}  // namespace wavepost
