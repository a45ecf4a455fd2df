// Secrets at rest: AES-256-GCM under a key that lies apart from the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wavepost {

inline constexpr size_t kSealKeyBytes = 32;
inline constexpr size_t kSealedPlainBytesMax = 1 << 20;

// Immutable after loading; any thread.
//
// A sealed secret is version (1 byte) | key id (1) | nonce (12, random) | ciphertext | tag (16). The context ("dkim/
// tenants/a/sendingDomains/b.example/wp20260101") is bound in: a secret moved to another row does not open.
class Sealer {
 public:
  // Reads lines "ID HEX" (ID 1 to 255, HEX 64 digits), '#' starts a comment. The first line seals, all open: a rotation
  // puts the new key on top.
  // Errors: kNotFound (no file), kInvalidArgument with file and line, kUnavailable (cannot be read). The key itself
  //         never stands in a message.
  static absl::StatusOr<Sealer> Load(const std::string& path);

  // The same from text, e.g. from an environment variable; `name` stands for the file in errors.
  static absl::StatusOr<Sealer> Parse(std::string_view text, std::string_view name);

  // Load; where there is no file one is made first, mode 0600, with a random key, synced with its folder.
  // made: set to true if so. Errors: as Load, and kUnavailable (cannot write).
  static absl::StatusOr<Sealer> LoadOrMake(const std::string& path, bool* made);

  // A fixed key. For tests only: everybody knows it.
  static Sealer ForTest();

  // Errors: kInvalidArgument (longer than kSealedPlainBytesMax), kInternal (OpenSSL, no randomness).
  absl::StatusOr<std::string> Seal(std::string_view plain, std::string_view context) const;

  // Errors: kInvalidArgument (not sealed by us, or cut), kFailedPrecondition (its key is not in the file; says the id),
  //         kDataLoss (wrong key under this id, other context, or altered).
  absl::StatusOr<std::string> Open(std::string_view sealed, std::string_view context) const;

 private:
  Sealer() = default;

  uint8_t sealing_key_ = 0;
  std::map<uint8_t, std::string> keys_;
};

}  // namespace wavepost
