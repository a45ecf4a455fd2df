#include "sender/delivery/delivery.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/thread_pool.hpp>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "sender/delivery/shard.h"

namespace wavepost {
namespace {

// An address that is missing now may come back; the others of the node work meanwhile. But somebody must hear of it.
void WarnIfNotHere(const asio::ip::address& address) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  const asio::ip::tcp::endpoint endpoint(address, 0);
  asio::error_code error;
  socket.open(endpoint.protocol(), error);
  if (!error) socket.bind(endpoint, error);
  if (error) {
    spdlog::error(
        "event=egress_ip_unusable egress_ip={} error=\"{}\" hint=\"not an address of this machine? See 'ip addr', and "
        "egress_ips in the configuration; mail assigned to it waits\"",
        address.to_string(), error.message());
  }
}

absl::StatusOr<std::shared_ptr<const ProviderBook>> LoadBook(const DeliveryOptions& options) {
  if (options.providers_file.empty()) return ProviderBook::BuiltIn();
  return ProviderBook::Load(options.providers_file);
}

// Gathers the answers of all shards, then hands them on.
template <typename T>
class Gather {
 public:
  Gather(size_t parts, std::function<void(std::vector<T>)> done) : left_(parts), done_(std::move(done)) {}
  void Add(std::vector<T> part) {
    std::vector<T> all;
    {
      const std::lock_guard lock(mutex_);
      std::move(part.begin(), part.end(), std::back_inserter(all_));
      if (--left_ > 0) return;
      all = std::move(all_);
    }
    done_(std::move(all));
  }

 private:
  std::mutex mutex_;
  size_t left_;
  std::vector<T> all_;
  std::function<void(std::vector<T>)> done_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Delivery>> Delivery::Create(DeliveryOptions options, CaresResolver::Options dns,
                                                           QueueStore* store, const Clock* clock,
                                                           std::function<absl::Time()> lease_end,
                                                           std::function<void()> on_storage_failed) {
  for (const EgressAddress& egress : options.egress) {
    asio::error_code error;
    const asio::ip::address address = asio::ip::make_address(egress.address, error);
    if (error) return absl::InvalidArgumentError(absl::StrCat("egress IP '", egress.address, "' is not an IP address"));
    if (!egress.route.socks5 && !egress.route.proxy) WarnIfNotHere(address);
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const ProviderBook> book, LoadBook(options));
  std::unique_ptr<Delivery> delivery(new Delivery(std::move(options), store));
  const DeliveryOptions& kept = delivery->options_;
  for (int i = 0; i < kept.io_threads; ++i) {
    absl::Status failed;
    Shard::Context context{.options = &kept,
                           .store = store,
                           .clock = clock,
                           .cpu = delivery->cpu_.get(),
                           .lease_end = lease_end,
                           .node_connections = &delivery->connections_,
                           .on_storage_failed = on_storage_failed,
                           .book = book};
    if (kept.starttls) {
      ASSIGN_OR_RETURN(context.tls, TlsClient::Create({.ca_file = kept.ca_file}));
    }
    const uint64_t seed = kept.seed + static_cast<uint64_t>(i);
    auto make_resolver = [&](asio::io_context& io) -> std::unique_ptr<Resolver> {
      CaresResolver::Options mine = dns;
      mine.seed = seed;
      auto resolver = CaresResolver::Create(io, *clock, std::move(mine));
      if (resolver.ok()) return *std::move(resolver);
      failed = resolver.status();
      return nullptr;
    };
    std::vector<const EgressAddress*> egress;
    for (const EgressAddress& one : kept.egress) {
      if (absl::HashOf(one.address) % static_cast<size_t>(kept.io_threads) == static_cast<size_t>(i)) {
        egress.push_back(&one);
      }
    }
    auto make_policies = [&](asio::io_context& io, Resolver* resolver) -> std::unique_ptr<TlsPolicies> {
      if (resolver == nullptr) return nullptr;
      auto policies = TlsPolicies::Create(io, *clock, *resolver, store, kept);
      if (policies.ok()) return *std::move(policies);
      failed = policies.status();
      return nullptr;
    };
    delivery->shards_.push_back(
        std::make_unique<Shard>(std::move(context), make_resolver, make_policies, std::move(egress), seed));
    if (!failed.ok()) return Annotate(failed, "dns, tls_policy");
  }
  delivery->report_store_ = MakeTlsReportStore(store);
  Shard& first = *delivery->shards_[0];
  ASSIGN_OR_RETURN(delivery->reporter_, TlsReporter::Create(first.io(), *clock, first.resolver(),
                                                            delivery->report_store_.get(), kept.tls_reports));
  for (auto& shard : delivery->shards_) shard->SetReporter(delivery->reporter_.get(), shard.get() == &first);
  return delivery;
}

Delivery::Delivery(DeliveryOptions options, QueueStore* store)
    : options_(std::move(options)), store_(store), cpu_(std::make_unique<asio::thread_pool>(options_.cpu_threads)) {}

Delivery::~Delivery() {
  Stop(absl::ZeroDuration());
}

absl::Status Delivery::Start() {
  RETURN_IF_ERROR(OnOrders());
  for (auto& shard : shards_) shard->Start();
  return absl::OkStatus();
}

void Delivery::Stop(absl::Duration grace) {
  if (std::exchange(stopped_, true)) return;
  std::vector<std::thread> stoppers;
  for (auto& shard : shards_) stoppers.emplace_back([&shard, grace] { shard->Stop(grace); });
  for (std::thread& stopper : stoppers) stopper.join();
  cpu_->join();
}

Shard& Delivery::ShardOf(const std::string& egress_ip) {
  return *shards_[absl::HashOf(egress_ip) % shards_.size()];
}

void Delivery::LanesAdded(std::vector<LaneDue> lanes) {
  if (shards_.size() == 1) return shards_[0]->LanesAdded(std::move(lanes));
  std::vector<std::vector<LaneDue>> per_shard(shards_.size());
  for (LaneDue& due : lanes) per_shard[absl::HashOf(due.lane.egress_ip) % shards_.size()].push_back(std::move(due));
  for (size_t i = 0; i < shards_.size(); ++i) {
    if (!per_shard[i].empty()) shards_[i]->LanesAdded(std::move(per_shard[i]));
  }
}

void Delivery::ForgetKeys() {
  for (auto& shard : shards_) shard->ForgetKeys();
}

absl::Status Delivery::ReloadProviders() {
  ASSIGN_OR_RETURN(std::shared_ptr<const ProviderBook> book, LoadBook(options_));
  for (auto& shard : shards_) shard->SetBook(book);
  spdlog::info("event=providers_loaded providers={} rules={}", book->providers(), book->rules());
  return absl::OkStatus();
}

absl::Status Delivery::OnOrders() {
  ASSIGN_OR_RETURN(const std::vector<v1::Pause> pauses, store_->ReadPauses());
  for (auto& shard : shards_) shard->SetHolds(pauses);
  ASSIGN_OR_RETURN(const std::vector<QueueStore::OpenOrder> orders, store_->ReadOpenOrders());
  for (const QueueStore::OpenOrder& open : orders) {
    {
      const std::lock_guard lock(orders_mutex_);
      if (!carrying_.try_emplace(open.sequence, shards_.size()).second) continue;
    }
    for (auto& shard : shards_) {
      shard->Carry(open, [this, sequence = open.sequence] {
        const std::lock_guard lock(orders_mutex_);
        const auto found = carrying_.find(sequence);
        if (--found->second > 0) return;
        // Its number stays: until the disk has forgotten the order it may be read once more.
        store_->OrderDone(sequence);
      });
    }
  }
  return absl::OkStatus();
}

void Delivery::Ask(cluster::v1::Question question, std::function<void(cluster::v1::Answer)> answer) {
  const int64_t id = question.id();
  switch (question.ask_case()) {
    case cluster::v1::Question::kExplain: {
      auto gather = std::make_shared<Gather<v1::PathExplanation>>(
          shards_.size(), [id, answer](std::vector<v1::PathExplanation> paths) {
            cluster::v1::Answer out;
            out.set_id(id);
            out.mutable_explanation();
            for (v1::PathExplanation& path : paths) *out.mutable_explanation()->add_paths() = std::move(path);
            answer(std::move(out));
          });
      for (auto& shard : shards_) {
        shard->Explain(question.explain(), question.tenant(),
                       [gather](std::vector<v1::PathExplanation> part) { gather->Add(std::move(part)); });
      }
      return;
    }
    case cluster::v1::Question::kForecast: {
      auto gather =
          std::make_shared<Gather<v1::SlowSite>>(shards_.size(), [id, answer](std::vector<v1::SlowSite> slowest) {
            std::sort(slowest.begin(), slowest.end(), [](const v1::SlowSite& a, const v1::SlowSite& b) {
              return a.through_time().seconds() > b.through_time().seconds();
            });
            cluster::v1::Answer out;
            out.set_id(id);
            out.mutable_forecast();
            for (v1::SlowSite& slow : slowest) *out.mutable_forecast()->add_slowest() = std::move(slow);
            answer(std::move(out));
          });
      const std::vector<cluster::v1::ForecastQuestion::Load> loads(question.forecast().loads().begin(),
                                                                   question.forecast().loads().end());
      for (auto& shard : shards_) {
        shard->ForecastLoads(loads, [gather](std::vector<v1::SlowSite> part) { gather->Add(std::move(part)); });
      }
      return;
    }
    case cluster::v1::Question::kTrace:
      return StartTrace(id, question.trace(), std::move(answer));
    case cluster::v1::Question::kStopTrace:
      for (auto& shard : shards_) shard->traces().Remove(question.stop_trace());
      return;
    case cluster::v1::Question::ASK_NOT_SET:
      break;
  }
  cluster::v1::Answer out;
  out.set_id(id);
  out.set_problem("this node does not know the question; it may be older than the coordinator");
  answer(std::move(out));
}

void Delivery::StartTrace(int64_t id, const v1::TraceRequest& request,
                          std::function<void(cluster::v1::Answer)> answer) {
  const std::string domain = AsciiLower(request.domain());
  bool added = true;
  for (auto& shard : shards_) {
    added = added && shard->traces().Add(id, domain, [id, answer](v1::TraceLine line) {
      cluster::v1::Answer out;
      out.set_id(id);
      *out.mutable_trace()->add_lines() = std::move(line);
      answer(std::move(out));
    });
  }
  if (added) return;
  for (auto& shard : shards_) shard->traces().Remove(id);
  cluster::v1::Answer out;
  out.set_id(id);
  out.set_problem("too many traces run on this node; end one of them first");
  answer(std::move(out));
}

}  // namespace wavepost
