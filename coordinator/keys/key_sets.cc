#include "coordinator/keys/key_sets.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/sha.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/seal/seal.h"
#include "coordinator/names/resource_names.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

constexpr int kCertificatesPage = 100;  // all that a tenant can have

const cluster::v1::SealedKey* FindKey(const cluster::v1::StoredSendingDomain& domain, const std::string& selector) {
  for (const cluster::v1::SealedKey& key : domain.keys()) {
    if (key.selector() == selector) return &key;
  }
  return nullptr;
}

// Adds the keys of `domain` that sign now, RSA behind Ed25519: readers that know one algorithm only look at the
// topmost.
absl::Status AddActive(const cluster::v1::StoredSendingDomain& domain, const Sealer& sealer, std::string_view signing,
                       cluster::v1::KeySet* out) {
  for (const std::string_view algorithm : {"ed25519-sha256", "rsa-sha256"}) {
    for (const v1::DkimKeyInfo& info : domain.domain().dkim_keys()) {
      if (info.state() != v1::DkimKeyInfo::ACTIVE || info.algorithm() != algorithm) continue;
      const cluster::v1::SealedKey* const sealed = FindKey(domain, info.selector());
      if (sealed == nullptr) {
        return absl::DataLossError(
            absl::StrCat(domain.domain().name(), ": the private key of selector ", info.selector(), " is gone"));
      }
      const auto pem =
          sealer.Open(sealed->sealed_pem(), absl::StrCat("dkim/", domain.domain().name(), "/", info.selector()));
      if (!pem.ok()) return Annotate(pem.status(), absl::StrCat(domain.domain().name(), ", ", info.selector()));
      cluster::v1::SigningKey& key = *out->add_keys();
      key.set_domain(std::string(signing));
      key.set_selector(info.selector());
      key.set_private_key_pem(*pem);
    }
  }
  return absl::OkStatus();
}

absl::Status AddCertificates(Store* store, const Sealer& sealer, std::string_view tenant, std::string_view from_domain,
                             cluster::v1::KeySet* out) {
  ASSIGN_OR_RETURN(const auto page, store->ListCertificates(tenant, kCertificatesPage, ""));
  const std::string suffix = absl::StrCat("@", Av(from_domain));
  std::map<std::string, int64_t> lasts_until;  // by address
  for (const cluster::v1::StoredCertificate& stored : page.items) {
    std::optional<std::string> opened;
    for (const std::string& address : stored.certificate().addresses()) {
      if (!absl::EndsWithIgnoreCase(address, suffix)) continue;
      if (!opened.has_value()) {
        const std::string context = absl::StrCat("smime/", stored.certificate().name());
        const auto pem = sealer.Open(stored.sealed_pem(), context);
        if (!pem.ok()) return Annotate(pem.status(), context);
        opened = *pem;
      }
      // Of several for one address the one that lasts longest signs; they come by name, not by date.
      const auto [had, is_new] = lasts_until.try_emplace(address, stored.certificate().not_after().seconds());
      cluster::v1::SmimeKey* key = nullptr;
      if (is_new) {
        key = out->add_smime_keys();
      } else if (had->second < stored.certificate().not_after().seconds()) {
        had->second = stored.certificate().not_after().seconds();
        key = &*std::find_if(out->mutable_smime_keys()->begin(), out->mutable_smime_keys()->end(),
                             [&](const cluster::v1::SmimeKey& other) { return other.address() == address; });
      } else {
        continue;
      }
      key->set_address(address);
      key->set_private_key_pem(*opened);
      key->set_chain_pem(stored.chain_pem());
    }
  }
  return absl::OkStatus();
}

std::string VersionOf(const cluster::v1::KeySet& keys) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    keys.SerializeToCodedStream(&coded);
  }
  std::string version(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(version.data()));
  return version;
}

}  // namespace

absl::StatusOr<cluster::v1::KeySet> LoadKeySet(Store* store, const Sealer& sealer, std::string_view tenant,
                                               std::string_view from_domain) {
  cluster::v1::KeySet out;
  out.set_tenant(std::string(tenant));
  out.set_domain(std::string(from_domain));
  const auto name = TenantName::Parse(tenant);
  if (!name.has_value()) return absl::InvalidArgumentError(absl::StrCat("'", Av(tenant), "' names no tenant"));

  // Ours first, so that the customer's signatures stand above it.
  ASSIGN_OR_RETURN(const auto identity, store->GetIdentity());
  if (!identity.identity().domain().empty()) {
    RETURN_IF_ERROR(AddActive(identity.own(), sealer, identity.identity().domain(), &out));
  }
  const auto domain = store->GetSendingDomain(SendingDomainName{name->tenant, std::string(from_domain)}.ToString());
  if (domain.ok()) {
    // Keys are ACTIVE only once their records have been seen: a domain that lost another record still signs.
    RETURN_IF_ERROR(AddActive(*domain, sealer, from_domain, &out));
  } else if (!absl::IsNotFound(domain.status())) {
    return domain.status();
  }
  RETURN_IF_ERROR(AddCertificates(store, sealer, tenant, from_domain, &out));
  out.set_version(VersionOf(out));
  return out;
}

}  // namespace wavepost
