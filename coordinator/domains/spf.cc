#include "coordinator/domains/spf.h"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/dns/names.h"
#include "coordinator/domains/spf_guess.h"
#include "coordinator/domains/verdict.h"

namespace wavepost {
namespace {

constexpr std::string_view kVersion = "v=spf1";
constexpr std::string_view kMacroLetters = "slodiphcrtv";
constexpr size_t kFaultsMax = 8;
constexpr size_t kShownTermBytes = 60;

bool IsVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// macro-string (section 7.1): every '%' starts a macro or an escape.
bool GoodMacros(std::string_view text) {
  for (size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at)) {
    if (at + 1 >= text.size()) return false;
    const char next = text[at + 1];
    at += 2;
    if (next == '%' || next == '_' || next == '-') continue;
    if (next != '{') return false;
    const size_t end = text.find('}', at);
    if (end == std::string_view::npos || end == at) return false;
    std::string_view body = text.substr(at, end - at);
    if (kMacroLetters.find(absl::ascii_tolower(body.front())) == std::string_view::npos) return false;
    body.remove_prefix(1);
    while (!body.empty() && absl::ascii_isdigit(body.front())) body.remove_prefix(1);
    if (!body.empty() && absl::ascii_tolower(body.front()) == 'r') body.remove_prefix(1);
    if (body.find_first_not_of(".-+,/_=") != std::string_view::npos) return false;
    at = end + 1;
  }
  return true;
}

// domain-spec: a name of at least two labels, or one with macros.
bool GoodDomain(std::string_view domain) {
  if (domain.empty() || !IsVisible(domain)) return false;
  if (HasMacros(domain)) return GoodMacros(domain);
  return NormalizeHostName(domain).has_value() && domain.find('.') != std::string_view::npos;
}

// "0" to `most`, without leading zeros.
bool GoodLength(std::string_view digits, int most) {
  int value = 0;
  return !digits.empty() && digits.size() <= 3 && digits.find_first_not_of("0123456789") == std::string_view::npos &&
         (digits == "0" || digits[0] != '0') && absl::SimpleAtoi(Av(digits), &value) && value <= most;
}

// "/24", "//64" or "/24//64" at the end of `rest`: taken off. False: they are there, but bad.
bool TakeCidr(std::string_view* rest) {
  const size_t slash = rest->find('/');
  if (slash == std::string_view::npos) return true;
  std::string_view cidr = rest->substr(slash + 1);
  *rest = rest->substr(0, slash);
  if (cidr.starts_with('/')) return GoodLength(cidr.substr(1), 128);
  const size_t two = cidr.find("//");
  if (two == std::string_view::npos) return GoodLength(cidr, 32);
  return GoodLength(cidr.substr(0, two), 32) && GoodLength(cidr.substr(two + 2), 128);
}

bool GoodAddress(std::string_view text, bool v4) {
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos && !GoodLength(text.substr(slash + 1), v4 ? 32 : 128)) return false;
  const std::string_view host = text.substr(0, slash);
  if (host.find('%') != std::string_view::npos) return false;  // no scope
  asio::error_code error;
  const asio::ip::address address = asio::ip::make_address(std::string(host), error);
  return !error && address.is_v4() == v4;
}

struct Mechanism {
  std::string_view name;
  SpfTerm::Kind kind;
};
constexpr Mechanism kMechanisms[] = {{"all", SpfTerm::kAll}, {"include", SpfTerm::kInclude}, {"a", SpfTerm::kA},
                                     {"mx", SpfTerm::kMx},   {"ptr", SpfTerm::kPtr},         {"ip4", SpfTerm::kIp4},
                                     {"ip6", SpfTerm::kIp6}, {"exists", SpfTerm::kExists}};

std::optional<SpfTerm> Refuse(SpfFault* fault, std::string what) {
  fault->what = std::move(what);
  return std::nullopt;
}

// name "=" macro-string. Nothing: it is no modifier (fault->what stays empty), or a bad one.
std::optional<SpfTerm> ParseModifier(std::string_view text, SpfFault* fault) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || !absl::ascii_isalpha(text[0])) return std::nullopt;
  const std::string name = AsciiLower(text.substr(0, equals));
  if (!std::all_of(name.begin(), name.end(),
                   [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.'; })) {
    return std::nullopt;
  }
  SpfTerm term{
      .kind = SpfTerm::kUnknownModifier, .domain = std::string(text.substr(equals + 1)), .text = std::string(text)};
  if (std::any_of(std::begin(kMechanisms), std::end(kMechanisms),
                  [&](const Mechanism& mechanism) { return name == mechanism.name; })) {
    return Refuse(fault, absl::StrCat("behind \"", name, "\" belongs a colon, not \"=\""));
  }
  if (name == "v") return Refuse(fault, "the version stands there a second time");
  if (name == "redirect" || name == "exp") {
    term.kind = name == "exp" ? SpfTerm::kExp : SpfTerm::kRedirect;
    if (!GoodDomain(term.domain)) return Refuse(fault, absl::StrCat("behind \"", name, "=\" belongs a domain name"));
    return term;
  }
  if (!GoodMacros(term.domain)) return Refuse(fault, "a \"%\" in it starts no macro");
  return term;
}

}  // namespace

bool HasMacros(std::string_view domain) {
  return domain.find('%') != std::string_view::npos;
}

const SpfTerm* SpfRecord::Find(SpfTerm::Kind kind) const {
  const auto it = std::find_if(terms.begin(), terms.end(), [&](const SpfTerm& term) { return term.kind == kind; });
  return it == terms.end() ? nullptr : &*it;
}

bool IsSpf(std::string_view text) {
  return StartsWithIgnoreCase(text, kVersion) && (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

bool LooksLikeSpf(std::string_view text) {
  return RepairSpfVersion(text) != text || IsSpf(text);
}

std::string RepairSpfVersion(std::string_view text) {
  if (IsSpf(text)) return std::string(text);
  std::string_view rest = text;
  const auto skip = [&](std::string_view characters) {
    rest.remove_prefix(std::min(rest.find_first_not_of(characters), rest.size()));
  };
  skip(" \t\"'\\");
  if (StartsWithIgnoreCase(rest, "v")) {
    rest.remove_prefix(1);
    const size_t before = rest.size();
    skip(" \t=:-");
    if (rest.size() == before) return std::string(text);  // "vspf1" and the like: not ours to guess
  }
  if (!StartsWithIgnoreCase(rest, "spf")) return std::string(text);
  rest.remove_prefix(3);
  // "1", "2.0/pra", "1.0": a version in any case.
  const size_t before = rest.size();
  skip("v");
  skip("0123456789.");
  if (rest.size() == before) return std::string(text);
  if (rest.starts_with('/')) rest.remove_prefix(std::min(rest.find(' '), rest.size()));
  skip(" \t;,:");
  std::string out(kVersion);
  if (!rest.empty()) absl::StrAppend(&out, " ", Av(rest));
  while (!out.empty() && (out.back() == '"' || out.back() == '\'' || out.back() == ' ')) out.pop_back();
  return out;
}

std::optional<SpfTerm> ParseSpfTerm(std::string_view text, SpfFault* fault) {
  *fault = SpfFault{.term = std::string(text.substr(0, kShownTermBytes))};
  if (!IsVisible(text)) return Refuse(fault, "it has characters that are not plain ASCII");
  if (std::optional<SpfTerm> modifier = ParseModifier(text, fault); modifier || !fault->what.empty()) return modifier;
  SpfTerm term{.text = std::string(text)};
  std::string_view rest = text;
  if (!rest.empty() && std::string_view("+-~?").find(rest.front()) != std::string_view::npos) {
    term.qualifier = rest.front();
    rest.remove_prefix(1);
  }
  const size_t name_size = std::min(rest.find_first_of(":/"), rest.size());
  const std::string name = AsciiLower(rest.substr(0, name_size));
  rest.remove_prefix(name_size);
  const auto known = std::find_if(std::begin(kMechanisms), std::end(kMechanisms),
                                  [&](const Mechanism& mechanism) { return name == mechanism.name; });
  if (known == std::end(kMechanisms)) {
    return Refuse(fault, absl::StrCat("there is no mechanism ", Show(name, kShownTermBytes)));
  }
  term.kind = known->kind;
  if (term.kind == SpfTerm::kAll && !rest.empty()) return Refuse(fault, "nothing may stand behind \"all\"");
  const bool has_colon = rest.starts_with(':');
  if (has_colon) rest.remove_prefix(1);
  switch (term.kind) {
    case SpfTerm::kAll:
      return term;
    case SpfTerm::kIp4:
    case SpfTerm::kIp6:
      if (!has_colon || !GoodAddress(rest, term.kind == SpfTerm::kIp4)) {
        return Refuse(fault, absl::StrCat("behind \"", name, ":\" belongs an ",
                                          term.kind == SpfTerm::kIp4 ? "IPv4" : "IPv6", " address or network"));
      }
      return term;
    case SpfTerm::kA:
    case SpfTerm::kMx:
      // A slash within macro braces is a delimiter, no prefix length: such names are left whole.
      if (!HasMacros(rest) && !TakeCidr(&rest)) return Refuse(fault, "the number behind \"/\" is no prefix length");
      break;
    default:
      break;
  }
  term.domain = std::string(rest);
  const bool may_lack = term.kind == SpfTerm::kA || term.kind == SpfTerm::kMx || term.kind == SpfTerm::kPtr;
  if (!has_colon && may_lack && rest.empty()) return term;
  if (!GoodDomain(rest)) return Refuse(fault, absl::StrCat("behind \"", name, ":\" belongs a domain name"));
  return term;
}

SpfRecord ParseSpf(std::string_view text) {
  SpfRecord record;
  size_t at = std::min(kVersion.size(), text.size());
  while ((at = text.find_first_not_of(' ', at)) != std::string_view::npos) {
    size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    SpfFault fault;
    std::optional<SpfTerm> term = ParseSpfTerm(word, &fault);
    const bool again =
        term && (term->kind == SpfTerm::kRedirect || term->kind == SpfTerm::kExp) && record.Find(term->kind) != nullptr;
    if (again) {
      fault.what = "it may stand there only once";
    }
    if (record.terms.size() >= kSpfTermsMax) {
      fault.what = absl::StrCat("it is more than the ", kSpfTermsMax, " terms that we read");
      fault.at = at + 1;
      record.faults.push_back(std::move(fault));
      return record;
    }
    if (!fault.what.empty()) {
      fault.at = at + 1;
      fault.fix = again ? "" : GuessSpfTerm(word);
      // "include: example.com": the next word belongs to this one.
      const size_t next = word.ends_with(':') || word.ends_with('=') ? text.find_first_not_of(' ', end) : text.npos;
      if (next != std::string_view::npos) {
        const size_t next_end = std::min(text.find(' ', next), text.size());
        const std::string joined = absl::StrCat(Av(word), Av(text.substr(next, next_end - next)));
        SpfFault ignored;
        if (ParseSpfTerm(joined, &ignored)) {
          fault.what = absl::StrCat("a blank stands behind ", Show(word, kShownTermBytes));
          fault.fix = joined;
          end = next_end;
        }
      }
      if (record.faults.size() < kFaultsMax) record.faults.push_back(fault);
    } else if (term) {
      record.terms.push_back(*std::move(term));
    }
    at = end;
  }
  return record;
}

}  // namespace wavepost
