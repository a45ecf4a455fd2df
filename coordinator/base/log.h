// One structured line (logfmt) per state change: time, level, event, then fields.
//
//   ts=2026-01-31T12:00:00.000Z level=info service=coordinator event=node_attached node=sender-0 epoch=3
//
// Addresses go through Redact(), secrets never appear. Any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace wavepost {

// A name with a value that is quoted where it has to be.
struct LogField {
  LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
  LogField(std::string_view field, const std::string& text) : name(field), value(text) {}
  LogField(std::string_view field, const char* text) : name(field), value(text) {}
  template <class Number>
  LogField(std::string_view field, Number number) : name(field), value(absl::StrCat(number)) {}

  std::string_view name;
  std::string value;
};

// To standard error from "info" on; before this call, from "warning" on (tests stay quiet).
void InitLogging();

void LogInfo(std::string_view event, std::initializer_list<LogField> fields);
void LogWarning(std::string_view event, std::initializer_list<LogField> fields);
void LogError(std::string_view event, std::initializer_list<LogField> fields);

// "event=name key=value key2=\"two words\"": the part that the calls above have in common.
std::string LogfmtLine(std::string_view event, std::initializer_list<LogField> fields);

}  // namespace wavepost
