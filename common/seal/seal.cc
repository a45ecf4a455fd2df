#include "common/seal/seal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr unsigned char kVersion = 1;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kPrefixBytes = 2 + kNonceBytes;  // version, key id, nonce

struct CipherFree {
  void operator()(EVP_CIPHER_CTX* p) const { EVP_CIPHER_CTX_free(p); }
};
using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

const unsigned char* Bytes(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
unsigned char* Bytes(std::string* s, size_t at) {
  return reinterpret_cast<unsigned char*>(s->data()) + at;
}

// A context with key and nonce set and `head` (version, key id) and `context` bound in; nullptr if OpenSSL refuses.
CipherPtr Start(bool sealing, const std::string& key, std::string_view nonce, std::string_view head,
                std::string_view context) {
  CipherPtr cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  const auto bind = [&](std::string_view data) {
    return EVP_CipherUpdate(cipher.get(), nullptr, &length, Bytes(data), static_cast<int>(data.size())) == 1;
  };
  if (cipher == nullptr ||
      EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce), sealing ? 1 : 0) != 1 ||
      !bind(head) || (!context.empty() && !bind(context))) {
    cipher.reset();
  }
  return cipher;
}

absl::Status BadLine(std::string_view name, size_t line, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(Av(name), ":", line, ": ", Av(what),
                                                 "; a line is ID (1 to 255), a blank and ", 2 * kSealKeyBytes,
                                                 " hexadecimal digits"));
}

bool IsHexKey(std::string_view text) {
  return text.size() == 2 * kSealKeyBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c));
         });
}

}  // namespace

absl::StatusOr<Sealer> Sealer::Parse(std::string_view text, std::string_view name) {
  Sealer out;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line = Sv(absl::StripAsciiWhitespace(Av(line.substr(0, line.find('#')))));
    if (line.empty()) continue;

    const size_t blank = line.find_first_of(" \t");
    if (blank == std::string_view::npos) return BadLine(name, number, "there is one word only");
    const std::string_view hex = Sv(absl::StripAsciiWhitespace(Av(line.substr(blank))));
    int id = 0;
    if (!absl::SimpleAtoi(Av(line.substr(0, blank)), &id) || id < 1 || id > 255) {
      return BadLine(name, number, "the key's ID is not a number from 1 to 255");
    }
    if (!IsHexKey(hex)) return BadLine(name, number, "the key has another length, or other characters");
    if (!out.keys_.emplace(static_cast<uint8_t>(id), absl::HexStringToBytes(Av(hex))).second) {
      return BadLine(name, number, absl::StrCat("the key's ID ", id, " stands here twice"));
    }
    if (out.sealing_key_ == 0) out.sealing_key_ = static_cast<uint8_t>(id);
  }
  if (out.keys_.empty()) return absl::InvalidArgumentError(absl::StrCat(Av(name), ": there is no key in it"));
  return out;
}

Sealer Sealer::ForTest() {
  Sealer out;
  out.sealing_key_ = 1;
  out.keys_.emplace(1, std::string(kSealKeyBytes, 't'));
  return out;
}

absl::StatusOr<std::string> Sealer::Seal(std::string_view plain, std::string_view context) const {
  if (plain.size() > kSealedPlainBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a secret of ", plain.size(), " bytes is too long to be sealed; at most ", kSealedPlainBytesMax));
  }
  std::string out(kPrefixBytes + plain.size() + kTagBytes, '\0');
  out[0] = static_cast<char>(kVersion);
  out[1] = static_cast<char>(sealing_key_);
  if (RAND_bytes(Bytes(&out, 2), kNonceBytes) != 1) {
    ERR_clear_error();
    return absl::InternalError("OpenSSL has no randomness to seal a secret with");
  }
  const std::string_view written = out;
  const CipherPtr cipher =
      Start(true, keys_.at(sealing_key_), written.substr(2, kNonceBytes), written.substr(0, 2), context);
  int length = 0;
  const bool done =
      cipher != nullptr &&
      (plain.empty() || EVP_EncryptUpdate(cipher.get(), Bytes(&out, kPrefixBytes), &length, Bytes(plain),
                                          static_cast<int>(plain.size())) == 1) &&
      EVP_EncryptFinal_ex(cipher.get(), Bytes(&out, kPrefixBytes + static_cast<size_t>(length)), &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, Bytes(&out, kPrefixBytes + plain.size())) ==
          1;
  if (!done) {
    ERR_clear_error();
    return absl::InternalError("OpenSSL could not seal a secret");
  }
  return out;
}

absl::StatusOr<std::string> Sealer::Open(std::string_view sealed, std::string_view context) const {
  if (sealed.size() < kPrefixBytes + kTagBytes || static_cast<unsigned char>(sealed[0]) != kVersion ||
      sealed.size() > kPrefixBytes + kSealedPlainBytesMax + kTagBytes) {
    return absl::InvalidArgumentError("this is no sealed secret, or it has been cut");
  }
  const uint8_t id = static_cast<uint8_t>(sealed[1]);
  const auto key = keys_.find(id);
  if (key == keys_.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("sealed with key ", static_cast<int>(id), ", which is not in the key file; add its line back"));
  }
  const std::string_view body = sealed.substr(kPrefixBytes, sealed.size() - kPrefixBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string out(body.size(), '\0');
  const CipherPtr cipher = Start(false, key->second, sealed.substr(2, kNonceBytes), sealed.substr(0, 2), context);
  int length = 0;
  unsigned char none[1];  // GCM keeps nothing back for the end
  const bool done = cipher != nullptr &&
                    (body.empty() || EVP_DecryptUpdate(cipher.get(), Bytes(&out, 0), &length, Bytes(body),
                                                       static_cast<int>(body.size())) == 1) &&
                    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, Bytes(&tag, 0)) == 1 &&
                    EVP_DecryptFinal_ex(cipher.get(), none, &length) == 1;
  if (!done) {
    ERR_clear_error();
    OPENSSL_cleanse(out.data(), out.size());
    return absl::DataLossError(absl::StrCat("a secret sealed with key ", static_cast<int>(id),
                                            " does not open: the key has changed, the secret belongs elsewhere, or it "
                                            "has been altered"));
  }
  return out;
}

}  // namespace wavepost
