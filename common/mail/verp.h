// Tokens that name a recipient in return paths (VERP), and Message-IDs that do not.
//
// Token: base32 of key id (1 byte) | wave (4) | index (4) | first 10 bytes of an HMAC-SHA256 over them; 31 characters
// that survive any folding of case. The same for every attempt. Who holds one can report a bounce for that recipient
// and for nobody else, so it stands in the envelope only, which the mailbox's host sees and mailing lists do not copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/recipient_id.h"

namespace wavepost {

class Clock;

inline constexpr size_t kTokenKeyBytes = 32;
inline constexpr size_t kTokenMacBytes = 10;

// The secrets behind tokens, shared by senders, coordinator and bouncers. Immutable; any thread.
//
// A rotation, in this order, so that nobody meets a token whose key he does not have:
//   1. all bouncers: the new key as the second line; restart them. They know it before anybody signs with it.
//   2. senders and coordinator: the new key on top, the old one below it; restart them. New mail has new tokens.
//   3. bouncers: likewise, now or later (their own order does not matter for checking).
//   4. when the old one may end: `until` behind it, at least two weeks away for bounces. Links to unsubscribe that it
//      made end on that day too, so leave it there for as long as mail is kept and read: a year is not too long.
// A bouncer that meets a key's id that it does not have says 450, not 550, and the bounce comes again later: so end a
// key by `until`, not by taking its line out.
class TokenKeys {
 public:
  // Reads lines "ID HEX" or "ID HEX until YYYY-MM-DD" (ID 1 to 255, HEX 64 digits); '#' starts a comment. The first
  // line signs, all check, so that a rotation puts the new key on top and keeps the old one while mail with it can
  // still come back: with `until`, through that day (UTC); then its tokens have expired. The first line cannot have
  // one.
  // Errors: kNotFound (no file), kInvalidArgument with file and line; the key itself never stands in a message.
  //
  // clock: tells what has expired. It must outlive the keys and every copy; nullptr: nothing expires.
  static absl::StatusOr<TokenKeys> Load(const std::string& path, const Clock* clock = nullptr);

  // The same from text; `name` stands for the file in errors.
  static absl::StatusOr<TokenKeys> Parse(std::string_view text, std::string_view name, const Clock* clock = nullptr);

  // A fixed key with id 1. For tests only: everybody knows it.
  static TokenKeys ForTest();

  // The id to make new tokens with. Stored with the recipient, so that a later attempt has the same envelope.
  uint8_t signing_key() const { return signing_key_; }

  // The key's bytes, or nullptr.
  const std::string* Find(uint8_t key_id) const;

  // Its tokens are not to be believed any more.
  bool Expired(uint8_t key_id) const;

 private:
  struct Key {
    std::string bytes;
    absl::Time end = absl::InfiniteFuture();
  };

  TokenKeys() = default;

  uint8_t signing_key_ = 0;
  std::map<uint8_t, Key> keys_;
  const Clock* clock_ = nullptr;
};

// Deterministic. An unknown `key_id` falls back to the signing key (the key was taken out of the file meanwhile).
std::string MakeToken(const TokenKeys& keys, RecipientId id, uint8_t key_id);

// "b+TOKEN@domain"
std::string ReturnPath(std::string_view token, std::string_view domain);

// Checks a token; either letter case. How long it takes does not tell how much of the HMAC was right.
// Errors: kInvalidArgument (not the shape of a token), kPermissionDenied (wrong HMAC: forged or mangled; or the key has
// expired), kNotFound (of a key that we do not have: forged, or made with one that has not reached us yet).
absl::StatusOr<RecipientId> CheckToken(const TokenKeys& keys, std::string_view token);

// The id of the key that a token of either kind says it was made with; nothing if it has not the shape of one. Not
// checked: anybody can write any id.
std::optional<uint8_t> KeyIdOfToken(std::string_view token);

// "b+TOKEN" -> TOKEN; nothing for any other local part. The token is not checked.
std::optional<std::string> TokenOf(std::string_view local_part);

// The token of List-Unsubscribe, made from the recipient's other token by a hash that cannot be turned round: it stands
// in the message, which gets forwarded, and lets its holder unsubscribe that one recipient and nothing else. 31
// characters, base32. `token`: of MakeToken, or the local part's rest of a return path.
// Errors: kInvalidArgument (not the shape of a token).
absl::StatusOr<std::string> UnsubscribeToken(std::string_view token);

// As CheckToken, for tokens of UnsubscribeToken.
absl::StatusOr<RecipientId> CheckUnsubscribeToken(const TokenKeys& keys, std::string_view token);

// "u+TOKEN" -> TOKEN; nothing for any other local part. The token is not checked.
std::optional<std::string> UnsubscribeTokenOf(std::string_view local_part);

// "LOCAL@domain" for the Message-ID, the same on every attempt. LOCAL is a keyed hash of its own: it can be copied into
// replies and archives, since it gives away neither the token nor the recipient's number.
std::string MakeMessageId(const TokenKeys& keys, RecipientId id, uint8_t key_id, std::string_view domain);

}  // namespace wavepost
