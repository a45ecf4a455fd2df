// The certificate of the SMTP port, read again when its files change, so that renewing it needs no restart.
#pragma once

#include <asio/ssl/context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wavepost {

struct CertificateFiles {
  std::string certificate;  // PEM: ours first, then its issuers
  std::string key;          // PEM, not encrypted; may be the same file

  bool empty() const { return certificate.empty(); }
};

// One thread.
class Certificates {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Context = std::shared_ptr<asio::ssl::context>;
  static constexpr std::chrono::seconds kLookEvery{10};

  // Errors: kNotFound (a file is not there), kInvalidArgument (unusable, or key and certificate do not match);
  // both say which.
  static absl::StatusOr<std::unique_ptr<Certificates>> Load(CertificateFiles files, Time now);

  // For a connection that begins its handshake. Looks at the files at most every kLookEvery; what cannot be used (a
  // renewal that is half written) leaves the certificate that was there, and is logged once per change.
  Context Current(Time now);

 private:
  struct Seen {
    int64_t certificate = 0;  // time of the last change, ns
    int64_t key = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };

  explicit Certificates(CertificateFiles files) : files_(std::move(files)) {}
  static absl::StatusOr<Context> Read(const CertificateFiles& files);
  Seen Look() const;

  const CertificateFiles files_;
  Context context_;
  Seen seen_;
  Time looked_;
};

}  // namespace wavepost
