// The DNS answer parser on arbitrary bytes; the first byte chooses the record type.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/check.h"
#include "common/dns/answer.h"
#include "common/dns/names.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wavepost;  // NOLINT: one function
  if (size < 1) return 0;
  constexpr RecordType kTypes[] = {RecordType::kA,    RecordType::kMx,    RecordType::kTxt, RecordType::kAaaa,
                                   RecordType::kTlsa, RecordType::kCname, RecordType::kPtr};
  const RecordType type = kTypes[data[0] % std::size(kTypes)];
  const std::string packet(reinterpret_cast<const char*>(data) + 1, size - 1);  // its own allocation
  const absl::StatusOr<DnsAnswer> answer = ParseAnswer(packet, "x.test", type);
  if (!answer.ok()) {
    WP_CHECK(answer.status().code() == absl::StatusCode::kUnavailable);
    return 0;
  }
  WP_CHECK(answer->mx.empty() || type == RecordType::kMx);
  WP_CHECK(answer->addresses.empty() || type == RecordType::kA || type == RecordType::kAaaa);
  WP_CHECK(answer->texts.empty() || type == RecordType::kTxt);
  WP_CHECK(answer->tlsa.empty() || type == RecordType::kTlsa);
  WP_CHECK(answer->names.empty() || type == RecordType::kCname || type == RecordType::kPtr);
  WP_CHECK(answer->names.size() <= (type == RecordType::kCname ? 1 : kPtrNamesMax));
  for (const std::string& found : answer->names) WP_CHECK(NormalizeHostName(found) == found);
  WP_CHECK(answer->mx.size() <= kRecordsMax && answer->addresses.size() <= kRecordsMax);
  WP_CHECK(answer->texts.size() <= kTxtRecordsMax && answer->tlsa.size() <= kTlsaRecordsMax);
  WP_CHECK(answer->ttl >= absl::ZeroDuration());
  for (const MxRecord& mx : answer->mx) WP_CHECK(mx.host.empty() || NormalizeHostName(mx.host) == mx.host);
  for (const std::string& text : answer->texts) WP_CHECK(text.size() <= kTxtBytesMax);
  for (const TlsaRecord& record : answer->tlsa) {
    WP_CHECK(record.data.size() <= kTlsaDataBytesMax);
    WP_CHECK(!record.data.empty() || record.usage == 255);
  }
  return 0;
}
