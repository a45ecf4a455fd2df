#include "coordinator/rpc/auth.h"

#include <grpcpp/impl/codegen/server_context.h>
#include <grpcpp/security/auth_context.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {
namespace {

constexpr size_t kSecretBytesMax = 512;

absl::Status Unauthenticated(std::string_view message) {
  return ApiError(absl::StatusCode::kUnauthenticated, "UNAUTHENTICATED", message);
}

}  // namespace

bool Caller::MaySee(std::string_view resource) const {
  return is_operator || (!tenant.empty() && TenantPartOf(resource) == tenant);
}

std::string Sha256(std::string_view bytes) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

std::string NewSecret() {
  std::string random(32, '\0');
  WP_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), static_cast<int>(random.size())) == 1);
  return absl::StrCat("wp_", absl::BytesToHexString(random));
}

std::optional<std::string> AuthorizationOf(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return std::nullopt;
  return std::string(found->second.data(), found->second.size());
}

Authenticator::Authenticator(Store* store, std::vector<std::string> operator_key_sha256)
    : store_(store), operator_key_sha256_(std::move(operator_key_sha256)) {}

absl::StatusOr<Caller> Authenticator::Check(const std::optional<std::string>& authorization) const {
  if (!authorization.has_value()) {
    if (operator_key_sha256_.empty()) return Caller{.is_operator = true};
    return Unauthenticated("the call has no key; send the metadata 'authorization: Bearer KEY'");
  }
  constexpr std::string_view kBearer = "Bearer ";
  if (!StartsWithIgnoreCase(*authorization, kBearer) || authorization->size() > kBearer.size() + kSecretBytesMax) {
    return Unauthenticated("the metadata 'authorization' must be 'Bearer KEY'");
  }
  const std::string hash = Sha256(std::string_view(*authorization).substr(kBearer.size()));
  bool is_operator = false;
  for (const std::string& known : operator_key_sha256_) {
    is_operator |= known.size() == hash.size() && CRYPTO_memcmp(known.data(), hash.data(), hash.size()) == 0;
  }
  if (is_operator) return Caller{.is_operator = true};
  // The lookup goes by the hash of a random secret: how long it takes says nothing about the secret.
  absl::StatusOr<std::string> tenant = store_->TenantOfKey(hash);
  if (tenant.ok()) return Caller{.tenant = *std::move(tenant)};
  if (absl::IsNotFound(tenant.status())) return Unauthenticated("the key is not known");
  return tenant.status();
}

absl::StatusOr<Caller> Authenticator::Check(const grpc::CallbackServerContext& context) const {
  return Check(AuthorizationOf(context));
}

absl::Status RequireOperator(const Caller& caller) {
  if (caller.is_operator) return absl::OkStatus();
  return ApiError(absl::StatusCode::kPermissionDenied, "OPERATORS_ONLY",
                  "this call is for operators; use an operator key");
}

absl::Status RequirePeerCertificate(const grpc::CallbackServerContext& context, bool required) {
  if (!required) return absl::OkStatus();
  const auto auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) return absl::OkStatus();
  return Unauthenticated(
      "this stream needs a client certificate signed by the cluster's authority; set tls.certificate and tls.key");
}

}  // namespace wavepost
