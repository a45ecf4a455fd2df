// The two kinds of key.
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <array>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/mail/dkim.h"
#include "common/mail/dkim_hash.h"
#include "common/mail/openssl_ptr.h"

namespace wavepost {
namespace {

// RFC 6376 section 3.1: labels of letters, digits and hyphens, joined by dots.
bool IsSelector(std::string_view selector) {
  if (selector.empty() || selector.size() > 63 || selector.front() == '.' || selector.back() == '.') return false;
  for (char c : selector) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.' && c != '_') return false;
  }
  return selector.find("..") == std::string_view::npos;
}

absl::Status CouldNotSign() {
  ERR_clear_error();
  return absl::InternalError("OpenSSL could not sign");
}

unsigned char* Bytes(std::string* s) {
  return reinterpret_cast<unsigned char*>(s->data());
}

class KeySigner : public DkimSigner {
 public:
  KeySigner(std::string domain, std::string selector, OpensslPtr<EVP_PKEY> key)
      : key_(std::move(key)), domain_(std::move(domain)), selector_(std::move(selector)) {}

  const std::string& domain() const override { return domain_; }
  const std::string& selector() const override { return selector_; }

 protected:
  const OpensslPtr<EVP_PKEY> key_;  // only read: OpenSSL locks what signing changes in it

 private:
  const std::string domain_;
  const std::string selector_;
};

// Setting a context up makes OpenSSL 3 look its algorithms up by name, and copying one costs as much: contexts that
// are ready are kept, at most as many as threads have signed at once.
class RsaSigner final : public KeySigner {
 public:
  using KeySigner::KeySigner;

  std::string_view algorithm() const override { return "rsa-sha256"; }

 protected:
  absl::StatusOr<std::string> SignBytes(std::string_view input) const override {
    const auto digest = Sha256(input);
    std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    size_t size = signature.size();
    OpensslPtr<EVP_PKEY_CTX> context = TakeContext();
    if (context == nullptr ||
        EVP_PKEY_sign(context.get(), Bytes(&signature), &size, digest.data(), digest.size()) != 1) {
      return CouldNotSign();
    }
    const absl::MutexLock lock(&mutex_);
    ready_.push_back(std::move(context));
    signature.resize(size);
    return signature;
  }

 private:
  OpensslPtr<EVP_PKEY_CTX> TakeContext() const {
    {
      const absl::MutexLock lock(&mutex_);
      if (!ready_.empty()) {
        OpensslPtr<EVP_PKEY_CTX> context = std::move(ready_.back());
        ready_.pop_back();
        return context;
      }
    }
    OpensslPtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    if (context == nullptr || EVP_PKEY_sign_init(context.get()) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context.get(), Sha256Algorithm()) != 1) {
      context.reset();
    }
    return context;
  }

  mutable absl::Mutex mutex_;
  mutable std::vector<OpensslPtr<EVP_PKEY_CTX>> ready_ ABSL_GUARDED_BY(mutex_);
};

// PureEdDSA over the SHA-256 digest (RFC 8463 section 3).
class Ed25519Signer final : public KeySigner {
 public:
  using KeySigner::KeySigner;

  std::string_view algorithm() const override { return "ed25519-sha256"; }

 protected:
  absl::StatusOr<std::string> SignBytes(std::string_view input) const override {
    const auto digest = Sha256(input);
    const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
    std::string signature(64, '\0');
    size_t size = signature.size();
    if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), Bytes(&signature), &size, digest.data(), digest.size()) != 1) {
      return CouldNotSign();
    }
    signature.resize(size);
    return signature;
  }
};

}  // namespace

absl::StatusOr<std::shared_ptr<const DkimSigner>> DkimSigner::Create(std::string domain, std::string selector,
                                                                     std::string_view private_key_pem) {
  const absl::StatusOr<std::string> parsed = ParseDomain(domain);
  if (!parsed.ok()) return Annotate(parsed.status(), "DKIM domain");
  if (!IsSelector(selector)) {
    return absl::InvalidArgumentError("DKIM selector: must be letters, digits and hyphens, with dots between");
  }
  selector = AsciiLower(selector);
  OpensslPtr<EVP_PKEY> key = PrivateKeyFromPem(private_key_pem);
  if (key != nullptr && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519) {
    return std::make_shared<const Ed25519Signer>(*parsed, std::move(selector), std::move(key));
  }
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        absl::StrCat("DKIM key of ", *parsed, ": not an unencrypted RSA or Ed25519 private key in PEM"));
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kDkimKeyBitsMin || bits > kDkimKeyBitsMax) {
    return absl::InvalidArgumentError(absl::StrCat("DKIM key of ", *parsed, ": has ", bits, " bits; receivers trust ",
                                                   kDkimKeyBitsMin, " to ", kDkimKeyBitsMax));
  }
  return std::make_shared<const RsaSigner>(*parsed, std::move(selector), std::move(key));
}

}  // namespace wavepost
