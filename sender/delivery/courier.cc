#include "sender/delivery/courier.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/post.hpp>
#include <memory>
#include <utility>

#include "common/async/deadline.h"
#include "common/base/strings.h"
#include "google/protobuf/util/time_util.h"
#include "sender/delivery/await_done.h"
#include "sender/delivery/forbidden_mx.h"
#include "sender/delivery/shard.h"

namespace wavepost {

using Failure = AttemptResult::Failure;

namespace {

constexpr size_t kAddressesTriedMax = 5;  // per session: RFC 5321 section 5.1 asks for at least two

AttemptResult Failed(Failure failure, std::string_view text) {
  AttemptResult result;
  result.failure = failure;
  result.text = std::string(text);
  return result;
}

// A message that cannot be made will not be made by waiting; a disk that does not answer may.
AttemptResult MakeFailure(const absl::Status& status) {
  return Failed(absl::IsInvalidArgument(status) ? Failure::kRender : Failure::kLocal, Sv(status.message()));
}

AttemptResult DnsFailure(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
      return Failed(Failure::kNoDomain, Sv(status.message()));
    case absl::StatusCode::kFailedPrecondition:
      return Failed(Failure::kNullMx, Sv(status.message()));
    default:
      return Failed(Failure::kDns, Sv(status.message()));
  }
}

EgressRoute RouteOf(const EgressAddress& egress) {
  asio::error_code error;
  return {.source = asio::ip::make_address(egress.address, error), .ehlo_name = egress.ehlo_name};
}

}  // namespace

// The state of one courier, with access to its shard. Lives in RunCourier's frame.
class Courier {
 public:
  Courier(Shard* shard, ShardLane* state)
      : shard_(*shard),
        state_(*state),
        lane_(state->lane),
        options_(*shard->context_.options),
        session_(shard->io_, {.route = RouteOf(*state->egress), .timeouts = options_.timeouts, .tls = shard->tls_}) {
    shard_.connections_.insert(&session_.connection());
  }

  ~Courier() {
    shard_.connections_.erase(&session_.connection());
    --lane_.connections;
    --shard_.couriers_;
    shard_.context_.node_connections->fetch_sub(1, std::memory_order_relaxed);
  }

  Awaitable<void> Run() {
    std::optional<QueueItem> item = lane_.Take();
    if (item.has_value()) item = co_await OpenFor(*std::move(item));
    int sent = 0;
    while (item.has_value()) {
      AttemptResult result = co_await Attempt(*item);
      co_await Settle(*std::move(item), std::move(result));
      item = std::nullopt;
      if (++sent < lane_.pacer.messages_per_connection() && session_.usable() && MayGoOn()) item = co_await Next();
    }
    co_await session_.Quit();
  }

 private:
  absl::Time Now() const { return shard_.context_.clock->Now(); }

  // This connection is within what the lane may have now.
  bool MayGoOn() const {
    const absl::Time now = Now();
    return shard_.MayStart(now) && lane_.connections <= lane_.pacer.ConnectionsAllowed(now);
  }

  Awaitable<std::optional<QueueItem>> Next() {
    if (lane_.WantsPage(absl::ToUnixMillis(Now()))) shard_.Tend(&state_);
    std::optional<QueueItem> item = lane_.Take();
    if (item.has_value()) co_return item;
    asio::steady_timer timer(shard_.io_, DeadlineAfter(options_.timeouts.idle));
    state_.idle_timers.push_back(&timer);
    co_await timer.async_wait(use_tuple);
    std::erase(state_.idle_timers, &timer);
    if (!MayGoOn()) co_return std::nullopt;
    co_return lane_.Take();
  }

  // Opens the session. Returns the item, to be sent; nothing: there is no session, and the item is settled or put back.
  Awaitable<std::optional<QueueItem>> OpenFor(QueueItem item) {
    for (;;) {
      std::optional<AttemptResult> trouble = co_await Open();
      if (!shard_.MayStart(Now())) {  // stopped, or the lease has ended, while we waited for the host
        lane_.PutBack(std::move(item));
        co_return std::nullopt;
      }
      if (!trouble.has_value()) co_return item;
      const bool domain_is_gone = trouble->failure == Failure::kNoDomain || trouble->failure == Failure::kNullMx;
      if (PutsBack(*trouble)) {
        lane_.pacer.OnThrottled(Now(), std::nullopt, shard_.Jitter());
        lane_.PutBack(std::move(item));
        co_return std::nullopt;
      }
      co_await Settle(std::move(item), *std::move(trouble));
      if (!domain_is_gone) {
        co_await GiveUpTheOld();
        co_return std::nullopt;
      }
      std::optional<QueueItem> next = co_await Next();
      if (!next.has_value()) co_return std::nullopt;
      item = *std::move(next);
    }
  }

  // A host that has enough connections of ours says so before it has heard of any recipient. While other connections
  // work there, that is about the number of connections and about nobody's mail.
  bool PutsBack(const AttemptResult& trouble) const {
    return trouble.failure == Failure::kNone && trouble.reply.has_value() && trouble.reply->transient() &&
           lane_.connections > 1;
  }

  Awaitable<std::optional<AttemptResult>> Open() {
    const Deadline dns_deadline = DeadlineAfter(options_.timeouts.dns);
    absl::StatusOr<MxHosts> hosts = co_await shard_.resolver_->ResolveMx(lane_.key().domain, dns_deadline);
    if (!hosts.ok()) co_return DnsFailure(hosts.status());
    std::optional<AttemptResult> trouble = Failed(Failure::kConnect, "no usable address among the MX hosts");
    asio::error_code error;
    const asio::ip::address source = asio::ip::make_address(state_.egress->address, error);
    size_t tried = 0;
    for (const MxHost& host : *hosts) {
      for (const asio::ip::address& address : host.addresses) {
        if (address.is_v4() != source.is_v4() || tried >= kAddressesTriedMax || shard_.stopping_) continue;
        if (!options_.allow_private_mx && IsForbiddenMx(address)) {
          trouble = Failed(Failure::kConnect, "the MX points to a private address (" + address.to_string() +
                                                  "): refused, unless smtp.allow_private_mx is set");
          trouble->mx_host = host.name;
          continue;
        }
        ++tried;
        const asio::ip::tcp::endpoint endpoint(address, static_cast<uint16_t>(options_.smtp_port));
        SessionTarget target{.endpoint = endpoint, .host_name = host.name, .tls = {}};
        if (!options_.starttls) target.tls.level = TlsDemand::Level::kNever;
        trouble = co_await session_.Open(std::move(target));
        if (!trouble.has_value()) co_return std::nullopt;
      }
    }
    co_return trouble;
  }

  Awaitable<AttemptResult> Attempt(QueueItem item) {
    absl::StatusOr<std::shared_ptr<const CompiledContent>> content = shard_.composer_.Content(item.entry.content_id());
    if (!content.ok()) co_return MakeFailure(content.status());
    auto entry = std::make_shared<const cluster::v1::QueueEntry>(item.entry);
    absl::StatusOr<ComposedMessage> message = co_await shard_.composer_.Compose(*content, entry);
    if (!message.ok()) co_return MakeFailure(message.status());
    if (!session_.usable()) co_return Failed(Failure::kLost, "the connection closed while the message was made");

    Envelope envelope{
        .return_path = entry->return_path(), .recipient = entry->address(), .smtputf8 = message->smtputf8};
    std::function<Awaitable<bool>()> before_dot = [this, &item]() -> Awaitable<bool> { return Mark(item); };
    OutgoingMessage outgoing{.canonical = message->canonical, .has_8bit = message->has_8bit};
    co_return co_await session_.Send(std::move(envelope), std::move(outgoing), std::move(before_dot));
  }

  // From here on the recipient may have the message, whatever happens to us.
  Awaitable<bool> Mark(QueueItem item) {
    cluster::v1::InFlight mark;
    mark.set_start_ms(absl::ToUnixMillis(Now()));
    auto start = [this, item, mark](QueueStore::Done done) {
      shard_.context_.store->MarkInFlight(item, mark, std::move(done));
    };
    const absl::Status marked = co_await AwaitDone(std::move(start));
    if (!marked.ok() && !absl::IsNotFound(marked)) shard_.StorageFailed(marked);
    co_return marked.ok();
  }

  // Decides, and hands the change to the disk. Waits only if too much is on its way there.
  Awaitable<void> Settle(QueueItem item, AttemptResult result) {
    const absl::Time now = Now();
    if (result.egress_ip.empty()) result.egress_ip = lane_.key().egress_ip;
    TroublePolicy policy{.max_age = absl::Hours(72) / options_.clock_scale, .scale = options_.clock_scale};
    const auto content = shard_.composer_.Content(item.entry.content_id());
    if (content.ok() && (*content)->max_age > absl::ZeroDuration())
      policy.max_age = (*content)->max_age / options_.clock_scale;
    const Decision decision = Decide(result, item.entry, now, policy, shard_.Jitter());
    if (decision.counts_as_success) lane_.pacer.OnSuccess();
    if (decision.throttles_lane) lane_.pacer.OnThrottled(now, decision.hint, shard_.Jitter());
    const bool lost = result.failure == Failure::kLost && !decision.pauses_lane;
    if (lost) lane_.pacer.OnLost(now, shard_.Jitter());
    if (decision.pauses_lane) lane_.pacer.OnUnreachable(now, decision.status.reason(), shard_.Jitter());
    if (decision.throttles_lane || decision.pauses_lane) lane_.last_trouble = decision.status;

    cluster::v1::Report report;
    *report.mutable_status() = decision.status;
    report.set_attempts(item.entry.attempts() + 1);
    if (decision.kind == Decision::Kind::kFinish) {
      Submit(std::move(item), std::move(report), decision.outcome, std::nullopt, {}, now);
    } else {
      cluster::v1::QueueEntry entry = DeferredEntry(item.entry, decision, now);
      const int64_t due_ms = absl::ToUnixMillis(now + decision.delay);
      Submit(std::move(item), std::move(report), v1::OUTCOME_UNSPECIFIED, due_ms, std::move(entry), now);
    }
    while (shard_.unsettled_ >= Shard::kUnsettledMax) co_await shard_.settled_.async_wait(use_tuple);
  }

  void Submit(QueueItem item, cluster::v1::Report report, v1::Outcome outcome, std::optional<int64_t> due_ms,
              cluster::v1::QueueEntry entry, absl::Time now) {
    report.set_recipient_id(item.id.packed());
    report.set_outcome(outcome);
    *report.mutable_time() = google::protobuf::util::TimeUtil::MillisecondsToTimestamp(absl::ToUnixMillis(now));
    ++shard_.unsettled_;
    // The lane outlives this: it is not erased while it knows the id.
    auto done = [shard = &shard_, state = &state_, id = item.id, due_ms](absl::Status status) {
      asio::post(shard->io_, [shard, state, id, due_ms, status = std::move(status)] {
        OnSettled(shard, state, id, due_ms, status);
      });
    };
    if (due_ms.has_value()) {
      *report.mutable_next_attempt_time() = google::protobuf::util::TimeUtil::MillisecondsToTimestamp(*due_ms);
      shard_.context_.store->Defer(item, std::move(entry), *due_ms, std::move(report), std::move(done));
    } else {
      shard_.context_.store->Finish(item, std::move(report), std::move(done));
    }
  }

  static void OnSettled(Shard* shard, ShardLane* state, RecipientId id, std::optional<int64_t> due_ms,
                        const absl::Status& status) {
    if (--shard->unsettled_ < Shard::kUnsettledMax) shard->settled_.cancel();
    if (!status.ok()) {
      // The entry stays in the queue, and is not sent again before a restart has looked at the disk.
      shard->StorageFailed(status);
      return;
    }
    state->lane.OnSettled(id, due_ms);
    shard->Tend(state);
  }

  // A site that cannot be reached: those who have waited too long are given up without an attempt of their own.
  Awaitable<void> GiveUpTheOld() {
    for (;;) {
      if (lane_.ready() == 0 && !shard_.Refill(&state_, Now())) co_return;
      std::optional<QueueItem> item = lane_.Take();
      if (!item.has_value()) co_return;
      const absl::Time now = Now();
      const auto content = shard_.composer_.Content(item->entry.content_id());
      const absl::Duration max_age =
          content.ok() ? (*content)->max_age / options_.clock_scale : absl::InfiniteDuration();
      if (!IsTooOld(item->entry, now, max_age)) {
        lane_.PutBack(*std::move(item));
        co_return;
      }
      cluster::v1::Report report;
      *report.mutable_status() = lane_.last_trouble;
      report.mutable_status()->set_maybe_delivered(item->entry.maybe_delivered());
      report.set_attempts(item->entry.attempts());
      Submit(*std::move(item), std::move(report), v1::EXPIRED, std::nullopt, {}, now);
      while (shard_.unsettled_ >= Shard::kUnsettledMax) co_await shard_.settled_.async_wait(use_tuple);
    }
  }

  Shard& shard_;
  ShardLane& state_;
  Lane& lane_;
  const DeliveryOptions& options_;
  Session session_;
};

Awaitable<void> RunCourier(Shard* shard, ShardLane* state) {
  {
    Courier courier(shard, state);
    co_await courier.Run();
  }
  // Last: it may erase the lane.
  shard->Tend(state);
}

}  // namespace wavepost
