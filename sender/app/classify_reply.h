// `wavepost-sender classify-reply` and `check-providers`: what the sender would make of a reply, without sending.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>

namespace wavepost {

inline constexpr size_t kClassifyLineBytesMax = 64 * 1024;

struct ClassifyReplyOptions {
  std::string providers_file;  // empty: the data that is built in
  std::string provider;        // whose rules to ask first; empty: none
  std::string phase = "rcpt";  // as in PhaseName(); where a line names none
  bool jsonl = false;
  std::string text;  // without jsonl; empty: read from `in`
};

// With jsonl: reads lines {"id" | "path", "reply", optional "command", "provider"} and writes a line {"id" | "path",
// "class", "reason", "fault", "scope", "rule"} for each, in order; a text without a reply code is a local error. A line
// that cannot be read (not such an object, or over kClassifyLineBytesMax) is named on `err` and skipped.
//
// Without: writes a sentence for people.
//
// Returns the exit code: 0; 1 if a line was skipped; 2 for a wrong phase, provider or providers file.
int RunClassifyReply(const ClassifyReplyOptions& options, std::istream& in, std::ostream& out, std::ostream& err);

// Says whether a file of providers is good, or what is wrong with it line by line. Returns the exit code: 0 or 2.
int RunCheckProviders(const std::string& path, std::ostream& out, std::ostream& err);

}  // namespace wavepost
