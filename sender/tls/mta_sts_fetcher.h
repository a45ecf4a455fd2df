// Fetches the MTA-STS policy file of a domain over HTTPS (RFC 8461 section 3.3).
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"

namespace wavepost {

// Owner:    lives on one io_context; call from its thread only.
// Lifetime: co_await Stop() before destruction.
// Versions: HttpsMtaStsFetcher (production), fakes in tests.
class MtaStsFetcher {
 public:
  virtual ~MtaStsFetcher() = default;

  // Returns the file's text, not yet read as a policy. domain: A-labels, lower case.
  //
  // Errors: kUnauthenticated     the server's certificate is not valid for mta-sts.DOMAIN
  //         kFailedPrecondition  an answer that is no policy: not 200 (redirects are not followed), not text/plain,
  //                              too long
  //         kPermissionDenied    the name leads to private addresses only
  //         kUnavailable         no address, no connection, no TLS, no answer
  //         kDeadlineExceeded, kCancelled, kResourceExhausted (too many fetches at once)
  virtual Awaitable<absl::StatusOr<std::string>> Fetch(std::string domain, Deadline deadline) = 0;

  // Ends what is running with kCancelled, refuses newcomers, and returns when the last one has left.
  virtual Awaitable<void> Stop() = 0;
};

}  // namespace wavepost
