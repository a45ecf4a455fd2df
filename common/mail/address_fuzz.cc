// Fuzzes ParseAddress: what it accepts is within the limits, safe for a command line, and its own normal form.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/mail/address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto address = wavepost::ParseAddress(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!address.ok()) return 0;
  const std::string text = address->ToString();
  if (text.size() > wavepost::kAddressBytesMax || text.find_first_of("\r\n") != std::string::npos) std::abort();
  if (text.find('\0') != std::string::npos) std::abort();
  for (char c : address->domain) {
    if (static_cast<uint8_t>(c) >= 0x80) std::abort();
  }
  const auto again = wavepost::ParseAddress(text);
  if (!again.ok() || again->ToString() != text || again->needs_smtputf8 != address->needs_smtputf8) std::abort();
  return 0;
}
