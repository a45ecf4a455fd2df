// The command parser on arbitrary lines, and that what it accepts can be composed again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/base/strings.h"
#include "common/smtp/command.h"
#include "common/smtp/compose.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wavepost;  // NOLINT: one function
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const Command command = ParseCommand(line);
  if (!command.error.empty()) return 0;
  WP_CHECK(command.verb != Command::Verb::kUnknown);
  WP_CHECK(command.params.size() <= Command::kParamsMax);
  WP_CHECK(command.path.size() <= Command::kPathBytesMax && IsUtf8(command.path));
  if (command.verb == Command::Verb::kRcpt) {
    WP_CHECK(!command.path.empty());
    const absl::StatusOr<std::string> again = RcptCommand(command.path);
    WP_CHECK(again.ok());
    const Command second = ParseCommand(std::string_view(*again).substr(0, again->size() - 2));
    WP_CHECK(second.error.empty() && second.path == command.path);
  }
  return 0;
}
