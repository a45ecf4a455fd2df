#include "coordinator/base/dns_client.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/dns/cares_resolver.h"
#include "common/dns/resolver.h"

namespace wavepost {
namespace {

constexpr absl::Duration kRemember = absl::Seconds(1);

using Work = std::function<Awaitable<absl::Status>(Resolver*)>;
using Promise = std::shared_ptr<std::promise<absl::Status>>;

Awaitable<void> Drive(Work work, Resolver* resolver, Promise done) {
  absl::Status status = co_await work(resolver);
  done->set_value(std::move(status));
}

absl::Status Stopped() {
  return absl::CancelledError("the coordinator is stopping");
}

}  // namespace

struct DnsClient::Impl {
  using Guard = asio::executor_work_guard<asio::io_context::executor_type>;

  void StartThread(std::function<std::unique_ptr<Resolver>()> make) {
    thread = std::thread([this, make = std::move(make)] {
      if (make) resolver = make();
      io.run();  // until Stop has let go of the guard and the last coroutine has left
      resolver.reset();
      io.restart();
      io.run();  // what the resolver's sockets leave behind
    });
  }

  // The resolver cancels what waits for it and refuses newcomers; the loop then ends by itself.
  Awaitable<void> StopOnLoop() {
    co_await resolver->Stop();
    guard.reset();
  }

  SystemClock clock;  // of the cache
  asio::io_context io{1};
  std::optional<Guard> guard{asio::make_work_guard(io)};
  std::unique_ptr<Resolver> resolver;  // the loop's, once it runs
  std::mutex mutex;                    // so that nothing is posted behind the stop
  bool stopped = false;                // guarded by mutex
  std::thread thread;
};

DnsClient::DnsClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

DnsClient::~DnsClient() {
  Stop();
}

absl::StatusOr<std::unique_ptr<DnsClient>> DnsClient::Start(std::vector<std::string> servers) {
  auto impl = std::make_unique<Impl>();
  CaresResolver::Options options;
  options.servers = std::move(servers);
  // Who asks wants to know what is there now, and has just mended it: one check's repetitions are remembered, no more.
  options.cache_ttl_max = kRemember;
  options.negative_ttl = kRemember;
  options.failure_ttl = absl::ZeroDuration();
  ASSIGN_OR_RETURN(impl->resolver, CaresResolver::Create(impl->io, impl->clock, std::move(options)));
  impl->StartThread(nullptr);
  return std::unique_ptr<DnsClient>(new DnsClient(std::move(impl)));
}

std::unique_ptr<DnsClient> DnsClient::StartWith(std::function<std::unique_ptr<Resolver>()> make) {
  auto impl = std::make_unique<Impl>();
  impl->StartThread(std::move(make));
  return std::unique_ptr<DnsClient>(new DnsClient(std::move(impl)));
}

absl::Status DnsClient::Run(Work work) {
  const auto done = std::make_shared<std::promise<absl::Status>>();
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopped) return Stopped();
    asio::post(impl_->io, [impl = impl_.get(), work = std::move(work), done]() mutable {
      asio::co_spawn(impl->io, Drive(std::move(work), impl->resolver.get(), std::move(done)), asio::detached);
    });
  }
  absl::Status status = done->get_future().get();
  const std::lock_guard lock(impl_->mutex);
  return impl_->stopped ? Stopped() : status;
}

void DnsClient::Stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->stopped) {
      impl_->stopped = true;
      asio::post(impl_->io, [impl = impl_.get()] { asio::co_spawn(impl->io, impl->StopOnLoop(), asio::detached); });
    }
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace wavepost
