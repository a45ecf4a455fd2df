#include "coordinator/domains/spf_guess.h"

#include <asio/ip/address.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/strings.h"
#include "common/dns/names.h"
#include "coordinator/domains/spf.h"

namespace wavepost {
namespace {

constexpr size_t kGuessBytesMax = 255;  // a longer term is no slip of a finger

// Wrong beginnings that people write, in lower case, and the right ones.
constexpr std::pair<std::string_view, std::string_view> kBeginnings[] = {
    {"ipv4:", "ip4:"},
    {"ip:", "ip4:"},
    {"ip4=", "ip4:"},
    {"ip4;", "ip4:"},
    {"ipv6:", "ip6:"},
    {"ip6=", "ip6:"},
    {"includes:", "include:"},
    {"include=", "include:"},
    {"include;", "include:"},
    {"inlcude:", "include:"},
    {"incude:", "include:"},
    {"inclue:", "include:"},
    {"redirect:", "redirect="},
    {"a=", "a:"},
    {"mx=", "mx:"},
    {"exists=", "exists:"},
    {"v=spf1", ""},
    {"spf1", ""},
};

bool Reads(std::string_view text) {
  SpfFault fault;
  return text.empty() || ParseSpfTerm(text, &fault).has_value();
}

// "ip4:" or "ip6:" for an address or network, otherwise "".
std::string_view AddressKind(std::string_view text) {
  asio::error_code error;
  const std::string host(text.substr(0, text.find('/')));
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error || host.find('%') != std::string::npos) return "";
  return address.is_v4() ? "ip4:" : "ip6:";
}

}  // namespace

std::optional<std::string> GuessSpfTerm(std::string_view text) {
  if (text.size() > kGuessBytesMax) return std::nullopt;
  // Dashes of a word processor, invisible characters and quotation marks; commas and the like at the end.
  std::string plain = absl::StrReplaceAll(Av(text), {{"\xe2\x80\x93", "-"},
                                                     {"\xe2\x80\x94", "-"},
                                                     {"\xe2\x88\x92", "-"},
                                                     {"\xc2\xa0", ""},
                                                     {"\xe2\x80\x8b", ""},
                                                     {"\xef\xbb\xbf", ""},
                                                     {"\"", ""},
                                                     {"\t", ""},
                                                     {"\\", ""}});
  while (!plain.empty() && std::string_view(",;.:=").find(plain.back()) != std::string_view::npos) plain.pop_back();
  while (!plain.empty() && std::string_view(",;").find(plain.front()) != std::string_view::npos) plain.erase(0, 1);
  if (Reads(plain)) return plain;

  std::string qualifier;
  std::string rest = plain;
  if (std::string_view("+-~?").find(rest.front()) != std::string_view::npos) {
    qualifier = rest.substr(0, 1);
    rest.erase(0, 1);
  }
  if (const std::string lower = AsciiLower(rest);
      lower == "al" || lower == "alll" || lower == "al1" || lower == "a11") {
    return qualifier + "all";
  }
  for (const auto& [wrong, right] : kBeginnings) {
    if (StartsWithIgnoreCase(rest, wrong)) {
      rest = absl::StrCat(Av(right), rest.substr(wrong.size()));
      break;
    }
  }
  // An address behind the wrong mechanism, or behind none; a domain behind none.
  const size_t colon = rest.find(':');
  const std::string_view name = std::string_view(rest).substr(0, colon);
  const bool named = name == "ip4" || name == "ip6" || name == "a" || name == "mx" || name == "include";
  const std::string_view operand =
      named && colon != std::string::npos ? std::string_view(rest).substr(colon + 1) : rest;
  if (const std::string_view kind = AddressKind(operand); !kind.empty()) {
    rest = absl::StrCat(Av(kind), Av(operand));
  } else if (!named && rest.find('.') != std::string::npos && NormalizeHostName(rest)) {
    rest = "include:" + rest;
  }
  const std::string guess = qualifier + rest;
  if (guess != text && Reads(guess)) return guess;
  return std::nullopt;
}

}  // namespace wavepost
