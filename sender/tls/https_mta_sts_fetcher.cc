#include "sender/tls/https_mta_sts_fetcher.h"

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/status_macros.h"
#include "common/dns/flight.h"
#include "common/dns/names.h"
#include "common/dns/resolver.h"
#include "sender/tls/https_get.h"
#include "sender/tls/mta_sts.h"

namespace wavepost {
namespace {

constexpr char kPath[] = "/.well-known/mta-sts.txt";
constexpr size_t kAddressesTriedMax = 4;
constexpr int kThreadsMax = 64;

}  // namespace

class HttpsMtaStsFetcher::Impl {
 public:
  Impl(asio::io_context& io, Resolver& resolver, Options options)
      : io_(io),
        resolver_(resolver),
        options_(std::move(options)),
        pool_(static_cast<size_t>(options_.threads)),
        drained_(io, asio::steady_timer::time_point::max()) {}

  ~Impl() {
    for (const auto& get : running_) get->Interrupt();
    pool_.join();
  }

  Awaitable<absl::StatusOr<std::string>> Fetch(std::string domain, Deadline deadline) {
    if (stopping_) co_return absl::CancelledError("stopped");
    if (present_ >= options_.fetches_max) co_return absl::ResourceExhaustedError("too many fetches at once");
    const Presence presence(this);
    const std::string host = "mta-sts." + domain;
    if (NormalizeHostName(host) != host) co_return absl::UnavailableError("no such host can be");
    deadline = std::min(deadline, DeadlineAfter(options_.timeout));
    absl::StatusOr<HostAddresses> found = co_await resolver_.ResolveHost(host, deadline);
    if (!found.ok()) {
      if (absl::IsCancelled(found.status()) || absl::IsDeadlineExceeded(found.status())) co_return found.status();
      co_return absl::UnavailableError(found.status().message());
    }
    HttpsGet::Request request{.host = host,
                              .path = kPath,
                              .port = options_.port,
                              .ca_file = options_.ca_file,
                              .bytes_max = kMtaStsPolicyBytesMax,
                              .deadline = deadline};
    for (const asio::ip::address& address : found->addresses) {
      if (!options_.allow_private && options_.is_forbidden(address)) continue;
      if (request.addresses.size() < kAddressesTriedMax) request.addresses.push_back(address.to_string());
    }
    if (request.addresses.empty()) co_return absl::PermissionDeniedError(host + " has private addresses only");
    if (stopping_) co_return absl::CancelledError("stopped");
    absl::StatusOr<std::string> text = co_await RunOnPool(std::make_shared<HttpsGet>(std::move(request)), deadline);
    if (!text.ok()) co_return Annotate(text.status(), host);
    co_return text;
  }

  Awaitable<void> Stop() {
    stopping_ = true;
    for (const auto& get : running_) get->Interrupt();
    while (present_ > 0) co_await drained_.async_wait(use_tuple);
  }

 private:
  class Presence {
   public:
    explicit Presence(Impl* impl) : impl_(impl) { ++impl_->present_; }
    ~Presence() {
      if (--impl_->present_ == 0) impl_->drained_.cancel();
    }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

   private:
    Impl* impl_;
  };

  Awaitable<absl::StatusOr<std::string>> RunOnPool(std::shared_ptr<HttpsGet> get, Deadline deadline) {
    auto flight = std::make_shared<Flight<std::string>>();
    running_.insert(get);
    // The flight belongs to io_'s thread: the pool only carries it there and back. The guard keeps io_ running.
    asio::post(pool_, [this, get, flight, guard = asio::make_work_guard(io_)] {
      absl::StatusOr<std::string> text = get->Run();
      asio::post(io_, [flight, text = std::move(text)]() mutable { flight->Land(std::move(text)); });
    });
    absl::StatusOr<std::string> text = co_await Await<std::string>(io_, flight, deadline);
    if (!flight->result) {  // late: it ends soon now, and lands where nobody waits
      get->Interrupt();
      text = co_await Await<std::string>(io_, flight, Deadline::max());
      if (flight->result) text = absl::DeadlineExceededError("the policy's server took too long");
    }
    running_.erase(get);
    if (stopping_ && !text.ok()) text = absl::CancelledError("stopped");
    co_return text;
  }

  asio::io_context& io_;
  Resolver& resolver_;
  const Options options_;
  std::set<std::shared_ptr<HttpsGet>> running_;
  asio::thread_pool pool_;
  bool stopping_ = false;
  size_t present_ = 0;
  asio::steady_timer drained_;  // cancelled when present_ falls to 0
};

absl::StatusOr<std::unique_ptr<HttpsMtaStsFetcher>> HttpsMtaStsFetcher::Create(asio::io_context& io, Resolver& resolver,
                                                                               Options options) {
  if (options.threads < 1 || options.threads > kThreadsMax || options.timeout <= absl::ZeroDuration() ||
      options.port < 1 || options.port > 65535 || options.fetches_max == 0) {
    return absl::InvalidArgumentError("MTA-STS fetcher: options out of range");
  }
  if (!options.allow_private && options.is_forbidden == nullptr)
    return absl::InvalidArgumentError("MTA-STS fetcher: which addresses are forbidden?");
  return std::unique_ptr<HttpsMtaStsFetcher>(
      new HttpsMtaStsFetcher(std::make_unique<Impl>(io, resolver, std::move(options))));
}

HttpsMtaStsFetcher::HttpsMtaStsFetcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpsMtaStsFetcher::~HttpsMtaStsFetcher() = default;

Awaitable<absl::StatusOr<std::string>> HttpsMtaStsFetcher::Fetch(std::string domain, Deadline deadline) {
  return impl_->Fetch(std::move(domain), deadline);
}

Awaitable<void> HttpsMtaStsFetcher::Stop() {
  return impl_->Stop();
}

}  // namespace wavepost
