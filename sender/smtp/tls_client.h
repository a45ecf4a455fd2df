// The client's side of TLS for one shard: contexts by demand, and the sessions to resume. TLS 1.2 or newer.
//
// A session is resumed only towards the same host, from the same egress IP, under the same demand (level, names, TLSA
// records), and only if the first handshake satisfied it: resumption skips the verification, so it may not widen it.
//
// Threads:  one.
// Lifetime: held by its channels.
#pragma once

#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/deadline.h"
#include "sender/smtp/tls_channel.h"
#include "sender/tls/tls_demand.h"

using SSL_CTX = struct ssl_ctx_st;

namespace wavepost {

class TlsClient : public std::enable_shared_from_this<TlsClient> {
 public:
  // A resumed session is as good as its verification was: not for long.
  static constexpr absl::Duration kSessionAgeMax = absl::Hours(2);

  struct Options {
    std::string ca_file;           // PEM; empty: the system's roots
    size_t sessions_max = 10'000;  // kept for resumption; the least recently used go first
  };

  // The roots are read when a demand first needs them, unless ca_file names them.
  // Errors: kInvalidArgument (ca_file cannot be read), kInternal (OpenSSL).
  static absl::StatusOr<std::shared_ptr<TlsClient>> Create(Options options);
  ~TlsClient();

  // A handshake to come on `socket`, which must outlive it. host_name: the MX, for SNI and as the name to verify where
  // the demand names none. Demands of level kDane without a usable record become kEncrypted (RFC 7672 section 2.2),
  // with "tlsa-invalid" in the outcome.
  // Errors: kInvalidArgument: the demand cannot be put to OpenSSL. kInternal.
  absl::StatusOr<std::unique_ptr<TlsChannel>> NewChannel(const TlsDemand& demand, const std::string& host_name,
                                                         const std::string& egress_ip, asio::ip::tcp::socket* socket);

  size_t sessions() const { return recent_.size(); }

 private:
  friend class TlsChannel;
  struct Kept {
    std::string key;
    SSL_SESSION* session;
    std::string verified_by;
    Deadline until;
  };

  explicit TlsClient(Options options) : options_(std::move(options)) {}
  absl::StatusOr<SSL_CTX*> NewContext(bool verified) const;
  absl::StatusOr<SSL_CTX*> Verified();  // with the roots
  absl::Status Demand(const TlsDemand& demand, const std::string& host_name, SSL* ssl, TlsChannel::Plan* plan);
  absl::Status DemandDane(const TlsDemand& demand, const std::string& host_name, SSL* ssl, TlsChannel::Plan* plan);

  const Kept* Find(const std::string& key);
  void Keep(std::string key, SSL_SESSION* session, std::string verified_by);  // takes the session
  void Forget(const std::string& key);

  const Options options_;
  SSL_CTX* plain_ = nullptr;     // encrypts, verifies nobody
  SSL_CTX* verified_ = nullptr;  // null until needed
  SSL_CTX* dane_ = nullptr;
  std::list<Kept> recent_;  // most recently used first
  absl::flat_hash_map<std::string, std::list<Kept>::iterator> by_key_;
};

}  // namespace wavepost
