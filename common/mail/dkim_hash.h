// SHA-256 as DKIM needs it: often, over pieces, without what OpenSSL would otherwise look up at each call.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace wavepost {

inline constexpr size_t kSha256Bytes = 32;

// The algorithm, fetched once per process. Never null: an OpenSSL without SHA-256 can do nothing that we need.
const EVP_MD* Sha256Algorithm();

// One digest at a time per thread: the context belongs to the thread and is used again.
class Sha256Hasher {
 public:
  Sha256Hasher();
  Sha256Hasher(const Sha256Hasher&) = delete;
  Sha256Hasher& operator=(const Sha256Hasher&) = delete;

  // Small pieces are gathered; large ones are hashed where they lie.
  void Add(std::string_view piece);
  std::array<unsigned char, kSha256Bytes> Finish();

 private:
  void Flush();

  EVP_MD_CTX* const context_;
  size_t gathered_ = 0;
  char buffer_[1024];
};

std::array<unsigned char, kSha256Bytes> Sha256(std::string_view data);

}  // namespace wavepost
