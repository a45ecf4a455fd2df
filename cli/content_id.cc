#include "cli/content_id.h"

#include <openssl/sha.h>

#include "absl/strings/escaping.h"

namespace wavepost::cli {

std::string ContentId(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), 16));
}

}  // namespace wavepost::cli
