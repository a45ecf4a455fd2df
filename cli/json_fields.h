// Pieces that the JSON of every message is put together from.
#pragma once

#include <string>

#include "cli/format.h"
#include "cli/json.h"
#include "common/base/strings.h"

namespace wavepost::cli {

// An enum value's name for scripts: in lower case.
inline std::string Word(const std::string& enum_name) {
  return AsciiLower(enum_name);
}

inline void AddTime(Json& json, const char* key, bool present, const google::protobuf::Timestamp& t) {
  if (present) json[key] = UtcTime(FromProto(t));
}

inline void AddText(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

}  // namespace wavepost::cli
