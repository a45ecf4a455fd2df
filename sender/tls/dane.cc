#include "sender/tls/dane.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

constexpr int kDaneTa = 2, kDaneEe = 3;
constexpr int kCertificate = 0, kPublicKey = 1;
constexpr int kFull = 0, kSha256 = 1, kSha512 = 2;

}  // namespace

bool IsUsableTlsa(const TlsaRecord& record) {
  if (record.usage != kDaneTa && record.usage != kDaneEe) return false;
  if (record.selector != kCertificate && record.selector != kPublicKey) return false;
  switch (record.matching) {
    case kFull:
      return !record.data.empty();
    case kSha256:
      return record.data.size() == 32;
    case kSha512:
      return record.data.size() == 64;
    default:
      return false;
  }
}

std::vector<TlsaRecord> UsableTlsa(const std::vector<TlsaRecord>& records) {
  std::vector<TlsaRecord> usable;
  std::copy_if(records.begin(), records.end(), std::back_inserter(usable), IsUsableTlsa);
  return usable;
}

std::string TlsaText(const TlsaRecord& record) {
  return absl::StrCat(record.usage, " ", record.selector, " ", record.matching, " ",
                      absl::AsciiStrToUpper(absl::BytesToHexString(record.data)));
}

std::string TlsaName(int port, const std::string& host) {
  return absl::StrCat("_", port, "._tcp.", host);
}

}  // namespace wavepost
