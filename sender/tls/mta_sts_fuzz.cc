// The parsers of MTA-STS on arbitrary bytes.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/check.h"
#include "sender/tls/mta_sts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wavepost;  // NOLINT: one function
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t half = size / 2;
  for (const std::vector<std::string>& texts :
       {std::vector<std::string>{text}, std::vector<std::string>{text.substr(0, half), text.substr(half)}}) {
    const std::optional<std::string> id = ParseMtaStsRecord(texts);
    WP_CHECK(!id || (!id->empty() && id->size() <= 32));
  }
  const absl::StatusOr<MtaStsPolicy> policy = ParseMtaStsPolicy(text);
  if (!policy.ok()) return 0;
  WP_CHECK(policy->mx.size() <= kMtaStsMxMax);
  WP_CHECK(policy->mode == MtaStsMode::kNone || !policy->mx.empty());
  WP_CHECK(policy->max_age >= absl::ZeroDuration() && policy->max_age <= kMtaStsMaxAgeMax);
  std::string again;
  for (const std::string& line : MtaStsPolicyLines(*policy)) again += line + "\r\n";
  const absl::StatusOr<MtaStsPolicy> read_back = ParseMtaStsPolicy(again);
  WP_CHECK(read_back.ok() && *read_back == *policy);
  for (const std::string& mx : policy->mx) {
    WP_CHECK(mx.starts_with("*.") ? MtaStsAllows(*policy, "a" + mx.substr(1)) : MtaStsAllows(*policy, mx));
  }
  return 0;
}
