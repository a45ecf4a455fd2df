// The TLS policy of a node, put together: what it fetches, remembers and reports, on the queue's folder and one shard's
// io_context each.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/async/tokens.h"
#include "common/base/clock.h"
#include "common/dns/resolver.h"
#include "sender/delivery/options.h"
#include "sender/queue/queue_store.h"
#include "sender/tls/policy_book.h"
#include "sender/tls/tls_reporter.h"

namespace asio {
class io_context;
}

namespace wavepost {

class HttpsMtaStsFetcher;

// A shard's policies. Owner: the shard's thread.
class TlsPolicies {
 public:
  // Errors: kInvalidArgument (options). All must outlive it.
  static absl::StatusOr<std::unique_ptr<TlsPolicies>> Create(asio::io_context& io, const Clock& clock,
                                                             Resolver& resolver, QueueStore* store,
                                                             const DeliveryOptions& options);
  ~TlsPolicies();

  PolicyBook& book() { return *book_; }
  // Before the resolver is stopped, and after.
  Awaitable<void> StopFetching();
  Awaitable<void> Stop();

 private:
  TlsPolicies() = default;
  std::unique_ptr<MtaStsStore> store_;
  std::unique_ptr<HttpsMtaStsFetcher> fetcher_;
  std::unique_ptr<PolicyBook> book_;
};

// Counters of TLS reports in the queue's folder.
std::unique_ptr<TlsReportStore> MakeTlsReportStore(QueueStore* store);

}  // namespace wavepost
