// Tokens from arbitrary bytes: only what was made with the key is genuine, and a genuine one comes back as itself.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/base/strings.h"
#include "common/mail/verp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wavepost;  // NOLINT: one function
  static const TokenKeys keys = TokenKeys::ForTest();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  // Without the key nobody makes one: what passes is what we would have made ourselves.
  if (const auto id = CheckToken(keys, bytes); id.ok()) {
    WP_CHECK(EqualsIgnoreCase(MakeToken(keys, *id, keys.signing_key()), bytes));
  }
  if (const auto id = CheckUnsubscribeToken(keys, bytes); id.ok()) {
    WP_CHECK(EqualsIgnoreCase(*UnsubscribeToken(MakeToken(keys, *id, keys.signing_key())), bytes));
  }
  const std::optional<std::string> token = TokenOf(bytes);
  WP_CHECK(!token || (bytes.size() == token->size() + 2 && !UnsubscribeTokenOf(bytes)));
  (void)UnsubscribeToken(bytes);
  (void)TokenKeys::Parse(bytes, "keys");

  // A genuine token, and the same with one bit of it changed.
  if (size < 10) return 0;
  RecipientId made;
  std::memcpy(&made.wave, data, 4);
  std::memcpy(&made.index, data + 4, 4);
  const std::string genuine = MakeToken(keys, made, keys.signing_key());
  const auto back = CheckToken(keys, genuine);
  WP_CHECK(back.ok() && *back == made);
  const std::string unsubscribe = *UnsubscribeToken(genuine);
  WP_CHECK(*CheckUnsubscribeToken(keys, unsubscribe) == made && !CheckToken(keys, unsubscribe).ok());
  std::string forged = genuine;
  forged[data[8] % forged.size()] ^= static_cast<char>(1 << (data[9] % 8));
  WP_CHECK(EqualsIgnoreCase(forged, genuine) || !CheckToken(keys, forged).ok());
  return 0;
}
