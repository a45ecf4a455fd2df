#include "bouncer/reading/tokens.h"

#include <algorithm>

#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kTokenBytes = 31;  // common/mail/verp.h

bool IsTokenByte(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (lower >= 'a' && lower <= 'z') || (c >= '2' && c <= '7');
}

bool IsWordByte(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

// TOKEN at the start of `text`, with nothing behind it that would make it longer.
bool StartsWithToken(std::string_view text) {
  return text.size() >= kTokenBytes && std::all_of(text.begin(), text.begin() + kTokenBytes, IsTokenByte) &&
         (text.size() == kTokenBytes || !IsWordByte(text[kTokenBytes]));
}

void Add(char kind, std::string_view token, std::vector<std::string>* out) {
  std::string local = AsciiLower(std::string(1, kind) + "+" + std::string(token.substr(0, kTokenBytes)));
  if (out->size() < kTokensMax && std::find(out->begin(), out->end(), local) == out->end()) {
    out->push_back(std::move(local));
  }
}

void FromField(const HeaderField& field, std::vector<std::string>* out) {
  const std::string_view value = field.value;
  for (size_t plus = value.find('+'); plus != std::string_view::npos; plus = value.find('+', plus + 1)) {
    const char kind = plus == 0 ? ' ' : static_cast<char>(value[plus - 1] | 0x20);
    if ((kind != 'b' && kind != 'u') || (plus >= 2 && IsWordByte(value[plus - 2]))) continue;
    if (StartsWithToken(value.substr(plus + 1))) Add(kind, value.substr(plus + 1), out);
  }
  if (field.name != "list-unsubscribe") return;
  for (size_t end = value.find('>'); end != std::string_view::npos; end = value.find('>', end + 1)) {
    const size_t start = end >= kTokenBytes ? end - kTokenBytes : end;
    const bool apart = start > 0 && !IsWordByte(value[start - 1]);
    if (apart && StartsWithToken(value.substr(start, kTokenBytes))) Add('u', value.substr(start), out);
  }
}

}  // namespace

std::vector<std::string> FindTokens(const Document& document) {
  std::vector<std::string> out;
  for (const HeaderField& field : document.headers.fields) FromField(field, &out);
  if (document.feedback) {
    for (const HeaderField& field : document.feedback->fields) FromField(field, &out);
  }
  for (const HeaderField& field : document.original.fields) FromField(field, &out);
  return out;
}

}  // namespace wavepost
