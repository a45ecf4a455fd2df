// Who calls: an operator, a tenant, or (for the internal streams) a node with a certificate.
//
// Callers of the public API send the metadata "authorization: Bearer SECRET". Secrets are compared by SHA-256 only.
// Without operator keys in the configuration (the server then listens on loopback only) a caller without that metadata
// is an operator; with it, it is the tenant whose key it shows.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/store.h"

namespace grpc {
class CallbackServerContext;
}

namespace wavepost {

struct Caller {
  bool is_operator = false;
  std::string tenant;  // "tenants/{tenant}"; empty for an operator

  // True for operators and for the tenant itself. `resource` is any resource name below "tenants/{tenant}".
  bool MaySee(std::string_view resource) const;
};

std::string Sha256(std::string_view bytes);

// A secret with 256 random bits for a new API key: "wp_" and 64 hexadecimal digits.
std::string NewSecret();

// The metadata "authorization" of a call; nothing if it is absent. For streams, which may outlive their context.
std::optional<std::string> AuthorizationOf(const grpc::CallbackServerContext& context);

class Authenticator {
 public:
  // operator_key_sha256: see CoordinatorConfig. `store` must outlive this.
  Authenticator(Store* store, std::vector<std::string> operator_key_sha256);

  // authorization: the metadata's value; nothing if it is absent. Reads the store. Any thread.
  // Errors: kUnauthenticated, with a sentence that says what to send.
  absl::StatusOr<Caller> Check(const std::optional<std::string>& authorization) const;
  absl::StatusOr<Caller> Check(const grpc::CallbackServerContext& context) const;

 private:
  Store* const store_;
  const std::vector<std::string> operator_key_sha256_;
};

// For operators only. Errors: kPermissionDenied.
absl::Status RequireOperator(const Caller& caller);

// For the internal streams. `required`: TLS is configured, so that the peer must have shown a certificate signed by the
// configured authority. Errors: kUnauthenticated.
absl::Status RequirePeerCertificate(const grpc::CallbackServerContext& context, bool required);

}  // namespace wavepost
