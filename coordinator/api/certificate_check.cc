#include "coordinator/api/certificate_check.h"

#include <openssl/crypto.h>

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/mail/smime.h"
#include "common/rpc/status.h"
#include "common/seal/seal.h"

namespace wavepost {
namespace {

absl::Status Bad(std::string field, std::string what) {
  return BadFields("BAD_CERTIFICATE", {{std::move(field), std::move(what)}});
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp out;
  out.set_seconds(absl::ToUnixSeconds(time));
  return out;
}

}  // namespace

absl::StatusOr<cluster::v1::StoredCertificate> CheckCertificate(const v1::CreateCertificateRequest& request,
                                                                const TenantName& parent, const Sealer& sealer,
                                                                absl::Time now) {
  if (request.pkcs12().empty()) return Bad("pkcs12", "is required: a PKCS#12 file (.p12 or .pfx)");
  if (request.pkcs12().size() > kPkcs12BytesMax) {
    return Bad("pkcs12",
               absl::StrCat("has ", request.pkcs12().size(), " bytes; at most ", kPkcs12BytesMax,
                            " are allowed: export the one certificate with its key, and no more than its chain"));
  }
  absl::StatusOr<SmimeIdentity> identity = ReadPkcs12(request.pkcs12(), request.password(), now);
  if (!identity.ok()) {
    if (!absl::IsInvalidArgument(identity.status())) return identity.status();
    const std::string what(identity.status().message());
    return Bad(absl::StrContains(what, "password") ? "password" : "pkcs12", what);
  }
  cluster::v1::StoredCertificate stored;
  v1::Certificate& out = *stored.mutable_certificate();
  out.set_name(CertificateName{parent.tenant, identity->fingerprint}.ToString());
  out.mutable_addresses()->Assign(identity->addresses.begin(), identity->addresses.end());
  out.set_subject(std::move(identity->subject));
  out.set_issuer(std::move(identity->issuer));
  *out.mutable_not_before() = ToProto(identity->not_before);
  *out.mutable_not_after() = ToProto(identity->not_after);
  stored.set_chain_pem(std::move(identity->chain_pem));
  auto sealed = sealer.Seal(identity->private_key_pem, absl::StrCat("smime/", out.name()));
  OPENSSL_cleanse(identity->private_key_pem.data(), identity->private_key_pem.size());
  if (!sealed.ok()) return sealed.status();
  stored.set_sealed_pem(*std::move(sealed));
  return stored;
}

}  // namespace wavepost
