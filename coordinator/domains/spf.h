// Reads SPF records (RFC 7208). Pure; they are hostile.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wavepost {

inline constexpr size_t kSpfTermsMax = 512;  // of a record

// One term as it stands there, e.g. "~include:_spf.example.com".
struct SpfTerm {
  enum Kind { kAll, kInclude, kA, kMx, kPtr, kIp4, kIp6, kExists, kRedirect, kExp, kUnknownModifier };
  Kind kind = kAll;
  char qualifier = '+';  // '+', '-', '~' or '?'; '+' for modifiers
  std::string domain;    // of include, a, mx, ptr, exists, redirect, exp; empty: the record's own. May hold macros
  std::string text;
};

// Why a record cannot be read.
struct SpfFault {
  size_t at = 0;                   // character of the record, from 1
  std::string term;                // as it stands there
  std::string what;                // "there is no mechanism \"ipv4\""
  std::optional<std::string> fix;  // a term that was probably meant; empty text: it may go; nothing: no idea
};

struct SpfRecord {
  std::vector<SpfTerm> terms;    // those that can be read, in order
  std::vector<SpfFault> faults;  // empty: the record is good

  const SpfTerm* Find(SpfTerm::Kind kind) const;  // the first; nullptr: none
};

// "v=spf1" alone or followed by a blank: what receivers take for an SPF record (section 4.5).
bool IsSpf(std::string_view text);
// A record that somebody meant as SPF or Sender ID, though receivers do not see it so.
bool LooksLikeSpf(std::string_view text);
// What was probably meant: begins with "v=spf1".
std::string RepairSpfVersion(std::string_view text);

// text: IsSpf.
SpfRecord ParseSpf(std::string_view text);

// One term (without blanks); `fault`, where it cannot be read, has neither place nor fix.
std::optional<SpfTerm> ParseSpfTerm(std::string_view text, SpfFault* fault);

// True if a name depends on the sender (macros), so that it cannot be looked up here.
bool HasMacros(std::string_view domain);

}  // namespace wavepost
