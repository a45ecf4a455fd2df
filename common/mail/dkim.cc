#include "common/mail/dkim.h"

#include <openssl/err.h>
#include <openssl/sha.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/mail/dkim_canon.h"
#include "common/mail/dkim_verify.h"
#include "common/mail/openssl_ptr.h"

namespace wavepost {
namespace {

struct SignedName {
  std::string_view name;
  bool oversigned;  // named once more than present: one that is added later breaks the signature
};

constexpr SignedName kSignedNames[] = {
    {"from", true},
    {"to", true},
    {"subject", true},
    {"date", false},
    {"message-id", false},
    {"mime-version", false},
    {"content-type", false},
    {"reply-to", false},
    {"list-unsubscribe", false},
    {"feedback-id", false},
    {"list-unsubscribe-post", false},
};

constexpr size_t kSignatureLineMax = 74;

// RFC 6376 section 3.1: labels of letters, digits and hyphens, joined by dots.
bool IsSelector(std::string_view selector) {
  if (selector.empty() || selector.size() > 63 || selector.front() == '.' || selector.back() == '.') return false;
  for (char c : selector) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.' && c != '_') return false;
  }
  return selector.find("..") == std::string_view::npos;
}

// Base64 of SHA-256.
std::string Digest(std::string_view data) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest);
  return Base64Encode(std::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

class RsaSigner final : public DkimSigner {
 public:
  RsaSigner(std::string domain, std::string selector, OpensslPtr<EVP_PKEY> key)
      : domain_(std::move(domain)), selector_(std::move(selector)), key_(std::move(key)) {}

  absl::StatusOr<std::string> Sign(const RenderedMessage& message, absl::Time now) const override {
    const std::vector<HeaderField> fields = SplitHeaderFields(message.headers, kDkimFieldsMax);
    std::string input;  // what the signature is computed over
    std::vector<std::string_view> names;
    input.reserve(message.headers.size() + 512);
    for (const SignedName& wanted : kSignedNames) {
      size_t present = 0;
      for (size_t i = fields.size(); i-- > 0;) {  // several of one name are taken from the bottom (section 5.4.2)
        if (!EqualsIgnoreCase(fields[i].name, wanted.name)) continue;
        ++present;
        AppendCanonHeader(fields[i], DkimCanon::kRelaxed, &input);
        input.append("\r\n");
        names.push_back(wanted.name);
      }
      if (wanted.oversigned) names.push_back(wanted.name);
      if (present == 0 && wanted.name == "from") return absl::InvalidArgumentError("the message has no From field");
    }

    std::string field = absl::StrCat("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\td=", domain_,
                                     "; s=", selector_, ";\r\n\tt=", absl::ToUnixSeconds(now),
                                     "; bh=", Digest(CanonBody(message.body, DkimCanon::kRelaxed)), ";\r\n\th=");
    size_t column = 3;
    for (size_t i = 0; i < names.size(); ++i) {
      if (i > 0) {
        field.push_back(':');
        if (column + names[i].size() > kSignatureLineMax) {
          field.append("\r\n\t ");
          column = 2;
        }
      }
      field.append(names[i]);
      column += names[i].size() + 1;
    }
    field.append(";\r\n\tb=");
    AppendCanonHeader(SplitHeaderFields(field, 1).front(), DkimCanon::kRelaxed, &input);

    ASSIGN_OR_RETURN(const std::string signature, SignBytes(input));
    for (size_t i = 0; i < signature.size(); i += kSignatureLineMax) {
      if (i > 0) field.append("\r\n\t ");
      field.append(signature, i, kSignatureLineMax);
    }
    field.append("\r\n");
    return field;
  }

 private:
  absl::StatusOr<std::string> SignBytes(std::string_view input) const {
    const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
    std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    size_t size = signature.size();
    if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       reinterpret_cast<const unsigned char*>(input.data()), input.size()) != 1) {
      ERR_clear_error();
      return absl::InternalError("OpenSSL could not sign");
    }
    signature.resize(size);
    return Base64Encode(signature);
  }

  const std::string domain_;
  const std::string selector_;
  const OpensslPtr<EVP_PKEY> key_;  // only read: OpenSSL locks what signing changes in it
};

}  // namespace

absl::StatusOr<std::shared_ptr<const DkimSigner>> DkimSigner::Create(std::string domain, std::string selector,
                                                                     std::string_view private_key_pem) {
  const absl::StatusOr<std::string> parsed = ParseDomain(domain);
  if (!parsed.ok()) return Annotate(parsed.status(), "DKIM domain");
  if (!IsSelector(selector)) {
    return absl::InvalidArgumentError("DKIM selector: must be letters, digits and hyphens, with dots between");
  }
  OpensslPtr<EVP_PKEY> key = RsaKeyFromPem(private_key_pem);
  if (key == nullptr) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        absl::StrCat("DKIM key of ", *parsed, ": not an unencrypted RSA private key in PEM"));
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kDkimKeyBitsMin || bits > kDkimKeyBitsMax) {
    return absl::InvalidArgumentError(absl::StrCat("DKIM key of ", *parsed, ": has ", bits, " bits; receivers trust ",
                                                   kDkimKeyBitsMin, " to ", kDkimKeyBitsMax));
  }
  return std::make_shared<const RsaSigner>(*parsed, AsciiLower(selector), std::move(key));
}

}  // namespace wavepost
