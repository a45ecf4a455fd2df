#include "common/mail/verp.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <fstream>
#include <sstream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "common/base/base64.h"
#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kIdBytes = 9;  // key id, wave, index
constexpr size_t kTokenChars = 31;
constexpr std::string_view kLocalPrefix = "b+";
constexpr std::string_view kUnsubscribePrefix = "u+";
constexpr size_t kKeyFileBytesMax = 64 * 1024;

// Keep the two uses of a key apart: knowing the one hash says nothing of the other.
constexpr std::string_view kTokenLabel = "wavepost token 1\n";
constexpr std::string_view kMessageIdLabel = "wavepost message-id 1\n";
constexpr std::string_view kUnsubscribeLabel = "unsubscribe";
constexpr char kForged[] = "the token was not made with one of our keys";
constexpr size_t kMessageIdMacBytes = 15;  // 24 characters, enough to be unique among all mail

std::string IdBytes(uint8_t key_id, RecipientId id) {
  std::string out(1, static_cast<char>(key_id));
  for (uint32_t number : {id.wave, id.index}) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
  }
  return out;
}

// The first `bytes` of HMAC-SHA256(key, label | id).
std::string Mac(const std::string& key, std::string_view label, std::string_view id, size_t bytes) {
  const std::string input = absl::StrCat(Av(label), Av(id));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int length = 0;
  WP_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data(), &length) != nullptr);
  WP_CHECK(length >= bytes);
  return std::string(reinterpret_cast<const char*>(digest.data()), bytes);
}

// The key to use for `*key_id`, which becomes the signing key's if it names none.
const std::string& KeyOrSigning(const TokenKeys& keys, uint8_t* key_id) {
  const std::string* key = keys.Find(*key_id);
  if (key == nullptr) {
    *key_id = keys.signing_key();
    key = keys.Find(*key_id);
  }
  WP_CHECK(key != nullptr);  // Parse lets no empty set through
  return *key;
}

// The 19 bytes in a token of either kind.
// Errors: kInvalidArgument (not the shape of a token).
absl::StatusOr<std::string> TokenBytes(std::string_view token) {
  std::optional<std::string> bytes = token.size() == kTokenChars ? Base32Decode(token) : std::nullopt;
  if (!bytes.has_value() || bytes->size() != kIdBytes + kTokenMacBytes) {
    return absl::InvalidArgumentError("not a token");
  }
  return *std::move(bytes);
}

RecipientId IdOf(std::string_view token_bytes) {
  uint64_t packed = 0;
  for (char c : token_bytes.substr(1, kIdBytes - 1)) packed = packed << 8 | static_cast<uint8_t>(c);
  return RecipientId::FromPacked(packed);
}

// The first bytes of SHA-256(label | token in upper case).
std::string UnsubscribeMac(std::string_view token) {
  const std::string input = absl::StrCat(Av(kUnsubscribeLabel), absl::AsciiStrToUpper(Av(token)));
  // Fetched once: looking the algorithm up takes longer than a hash of forty bytes.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int length = 0;
  WP_CHECK(EVP_Digest(input.data(), input.size(), digest.data(), &length, kSha256, nullptr) == 1);
  WP_CHECK(length >= kTokenMacBytes);
  return std::string(reinterpret_cast<const char*>(digest.data()), kTokenMacBytes);
}

uint8_t KeyIdOf(std::string_view token_bytes) {
  return static_cast<uint8_t>(token_bytes[0]);
}

// The key that `token_bytes` name, expired or not. Which ids we have is no secret: every token shows one.
// Errors: kNotFound (we do not have it), kPermissionDenied (0, which no key has).
absl::StatusOr<const std::string*> FindKey(const TokenKeys& keys, std::string_view token_bytes) {
  const uint8_t key_id = KeyIdOf(token_bytes);
  const std::string* const key = keys.Find(key_id);
  if (key != nullptr) return key;
  if (key_id == 0) return absl::PermissionDeniedError(kForged);
  return absl::NotFoundError(absl::StrCat("the token was made with key ", key_id, ", which is not in the key file"));
}

// `mac`: as it must be for `token_bytes`, whose key was found.
absl::StatusOr<RecipientId> Believe(const TokenKeys& keys, std::string_view token_bytes, std::string_view mac) {
  const bool same = CRYPTO_memcmp(mac.data(), token_bytes.data() + kIdBytes, kTokenMacBytes) == 0;
  if (!same || keys.Expired(KeyIdOf(token_bytes))) return absl::PermissionDeniedError(kForged);
  return IdOf(token_bytes);
}

// PREFIX TOKEN -> TOKEN
std::optional<std::string> TokenBehind(std::string_view prefix, std::string_view local_part) {
  if (!StartsWithIgnoreCase(local_part, prefix)) return std::nullopt;
  local_part.remove_prefix(prefix.size());
  if (local_part.size() != kTokenChars) return std::nullopt;
  return std::string(local_part);
}

bool IsHex(absl::string_view text) {
  for (char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<TokenKeys> TokenKeys::Load(const std::string& path, const Clock* clock) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::string text(kKeyFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kKeyFileBytesMax) return absl::InvalidArgumentError(absl::StrCat(path, ": is not a key file"));
  return Parse(text, path, clock);
}

absl::StatusOr<TokenKeys> TokenKeys::Parse(std::string_view text, std::string_view name, const Clock* clock) {
  TokenKeys keys;
  keys.clock_ = clock;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(Av(text), '\n')) {
    ++number;
    const std::vector<absl::string_view> words =
        absl::StrSplit(line.substr(0, line.find('#')), absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty()) continue;
    const auto bad = [&](absl::string_view what) {
      return absl::InvalidArgumentError(absl::StrCat(Av(name), ":", number, ": ", what));
    };
    uint32_t id = 0;
    if (words.size() != 2 && (words.size() != 4 || words[2] != "until")) {
      return bad(
          "expected \"ID HEX\" or \"ID HEX until YYYY-MM-DD\": a number from 1 to 255 and 64 hexadecimal digits");
    }
    if (!absl::SimpleAtoi(words[0], &id) || id < 1 || id > 255) return bad("the ID must be a number from 1 to 255");
    if (words[1].size() != 2 * kTokenKeyBytes || !IsHex(words[1])) {
      return bad(absl::StrCat("the key must be ", 2 * kTokenKeyBytes, " hexadecimal digits"));
    }
    Key key{.bytes = absl::HexStringToBytes(words[1])};
    if (words.size() == 4) {
      absl::CivilDay last;
      if (!absl::ParseCivilTime(words[3], &last)) return bad("the day behind \"until\" is written YYYY-MM-DD");
      if (keys.signing_key_ == 0)
        return bad("the first key signs new mail and has no \"until\": put the new key above it");
      key.end = absl::FromCivil(last + 1, absl::UTCTimeZone());
    }
    if (!keys.keys_.emplace(static_cast<uint8_t>(id), std::move(key)).second) {
      return bad(absl::StrCat("the ID ", id, " is there twice"));
    }
    if (keys.signing_key_ == 0) keys.signing_key_ = static_cast<uint8_t>(id);
  }
  if (keys.keys_.empty()) return absl::InvalidArgumentError(absl::StrCat(Av(name), ": has no key"));
  return keys;
}

TokenKeys TokenKeys::ForTest() {
  TokenKeys keys;
  keys.signing_key_ = 1;
  keys.keys_.emplace(1, Key{.bytes = std::string(kTokenKeyBytes, 't')});
  return keys;
}

const std::string* TokenKeys::Find(uint8_t key_id) const {
  const auto found = keys_.find(key_id);
  return found == keys_.end() ? nullptr : &found->second.bytes;
}

bool TokenKeys::Expired(uint8_t key_id) const {
  const auto found = keys_.find(key_id);
  return found != keys_.end() && clock_ != nullptr && clock_->Now() >= found->second.end;
}

std::string MakeToken(const TokenKeys& keys, RecipientId id, uint8_t key_id) {
  const std::string& key = KeyOrSigning(keys, &key_id);
  std::string bytes = IdBytes(key_id, id);
  bytes += Mac(key, kTokenLabel, bytes, kTokenMacBytes);
  return Base32Encode(bytes);
}

std::string ReturnPath(std::string_view token, std::string_view domain) {
  return absl::StrCat(Av(kLocalPrefix), Av(token), "@", Av(domain));
}

absl::StatusOr<RecipientId> CheckToken(const TokenKeys& keys, std::string_view token) {
  ASSIGN_OR_RETURN(const std::string bytes, TokenBytes(token));
  ASSIGN_OR_RETURN(const std::string* const key, FindKey(keys, bytes));
  return Believe(keys, bytes, Mac(*key, kTokenLabel, std::string_view(bytes).substr(0, kIdBytes), kTokenMacBytes));
}

std::optional<std::string> TokenOf(std::string_view local_part) {
  return TokenBehind(kLocalPrefix, local_part);
}

std::optional<uint8_t> KeyIdOfToken(std::string_view token) {
  const absl::StatusOr<std::string> bytes = TokenBytes(token);
  if (!bytes.ok()) return std::nullopt;
  return KeyIdOf(*bytes);
}

absl::StatusOr<std::string> UnsubscribeToken(std::string_view token) {
  ASSIGN_OR_RETURN(std::string bytes, TokenBytes(token));
  bytes.replace(kIdBytes, kTokenMacBytes, UnsubscribeMac(token));
  return Base32Encode(bytes);
}

absl::StatusOr<RecipientId> CheckUnsubscribeToken(const TokenKeys& keys, std::string_view token) {
  ASSIGN_OR_RETURN(const std::string bytes, TokenBytes(token));
  ASSIGN_OR_RETURN(const std::string* const key, FindKey(keys, bytes));
  std::string verp = bytes.substr(0, kIdBytes);
  verp += Mac(*key, kTokenLabel, verp, kTokenMacBytes);
  return Believe(keys, bytes, UnsubscribeMac(Base32Encode(verp)));
}

std::optional<std::string> UnsubscribeTokenOf(std::string_view local_part) {
  return TokenBehind(kUnsubscribePrefix, local_part);
}

std::string MakeMessageId(const TokenKeys& keys, RecipientId id, uint8_t key_id, std::string_view domain) {
  const std::string& key = KeyOrSigning(keys, &key_id);
  return absl::StrCat(Base32Encode(Mac(key, kMessageIdLabel, IdBytes(key_id, id), kMessageIdMacBytes)), "@",
                      Av(domain));
}

}  // namespace wavepost
