#include "coordinator/domains/new_keys.h"

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/dkim_keys.h"
#include "common/seal/seal.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

absl::Status Add(const Sealer& sealer, std::string_view domain_name, const std::string& selector, const char* algorithm,
                 absl::Time now, const absl::StatusOr<DkimKey>& made, NewKeys* out) {
  if (!made.ok()) return made.status();
  v1::DkimKeyInfo& info = out->infos.emplace_back();
  info.set_selector(selector);
  info.set_algorithm(algorithm);
  info.set_state(v1::DkimKeyInfo::CREATED);
  *info.mutable_create_time() = ToProtoTime(now);
  info.set_public_txt(made->public_txt);
  cluster::v1::SealedKey& secret = out->secrets.emplace_back();
  secret.set_selector(selector);
  ASSIGN_OR_RETURN(*secret.mutable_sealed_pem(),
                   sealer.Seal(made->private_key_pem, DkimSealContext(domain_name, selector)));
  return absl::OkStatus();
}

}  // namespace

std::string DkimSealContext(std::string_view domain_name, std::string_view selector) {
  return absl::StrCat("dkim/", Av(domain_name), "/", Av(selector));
}

absl::StatusOr<NewKeys> MakeKeyPair(const Sealer& sealer, std::string_view domain_name, const SelectorPair& selectors,
                                    absl::Time now) {
  NewKeys keys;
  RETURN_IF_ERROR(Add(sealer, domain_name, selectors.rsa, "rsa-sha256", now, MakeRsaKey(), &keys));
  RETURN_IF_ERROR(Add(sealer, domain_name, selectors.ed25519, "ed25519-sha256", now, MakeEd25519Key(), &keys));
  return keys;
}

void AddKeys(const NewKeys& keys, cluster::v1::StoredSendingDomain* stored) {
  for (const v1::DkimKeyInfo& info : keys.infos) *stored->mutable_domain()->add_dkim_keys() = info;
  for (const cluster::v1::SealedKey& secret : keys.secrets) *stored->add_keys() = secret;
  if (stored->domain().dkim_selector().empty()) stored->mutable_domain()->set_dkim_selector(keys.infos[0].selector());
}

}  // namespace wavepost
