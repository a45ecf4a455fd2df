// Fuzzes DKIM verification; the key record is the part of the input before the first NUL, if there is one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "common/mail/dkim_verify.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view message(reinterpret_cast<const char*>(data), size);
  std::optional<std::string> record;
  if (const size_t end = message.find('\0'); end != std::string_view::npos) {
    record = std::string(message.substr(0, end));
    message.remove_prefix(end + 1);
  }
  const auto check = wavepost::VerifyDkim(message, [&](const std::string&) { return record; });
  if (check.result == wavepost::DkimResult::kPass && !record.has_value()) std::abort();
  return 0;
}
