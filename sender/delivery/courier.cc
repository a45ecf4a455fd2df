#include "sender/delivery/courier.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <asio/post.hpp>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
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
// An open connection waits this long for its rate; a longer wait closes it, and one is opened when its time has come.
constexpr absl::Duration kRateWaitMax = absl::Seconds(10);
constexpr absl::Duration kSuspendIp = absl::Minutes(1);
constexpr size_t kGivenUpPerLane = Lane::kWindow;
// Refusals in a row before we hang up by ourselves: hosts count them as errors, answer slowly after ten or so and hang
// up after twenty (Postfix's soft and hard error limits), which would look like a complaint about our speed.
constexpr int kRefusalsInARowMax = 8;

AttemptResult Failed(Failure failure, std::string_view text) {
  AttemptResult result;
  result.failure = failure;
  result.text = std::string(text);
  return result;
}

// A message that cannot be made will not be made by waiting; a disk that does not answer may.
AttemptResult MakeFailure(const absl::Status& status) {
  const bool render = absl::IsInvalidArgument(status) || absl::IsResourceExhausted(status);
  return Failed(render ? Failure::kRender : Failure::kLocal, Sv(status.message()));
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

void SetTime(int64_t ms, google::protobuf::Timestamp* out) {
  *out = google::protobuf::util::TimeUtil::MillisecondsToTimestamp(ms);
}

}  // namespace

// The state of one courier, with access to its shard. Lives in RunCourier's frame.
class Courier {
 public:
  Courier(Shard* shard, ShardPath* state, PathGroup* group)
      : shard_(*shard), state_(*state), path_(state->path), group_(group), options_(*shard->context_.options) {}

  ~Courier() {
    CloseSession();
    path_.OnClosed(group_);
    --shard_.couriers_;
    shard_.context_.node_connections->fetch_sub(1, std::memory_order_relaxed);
  }

  Awaitable<void> Run() {
    int sent = 0;
    while (refusals_ < kRefusalsInARowMax && sent < path_.shaper().messages_per_connection()) {
      std::optional<Errand> errand = co_await NextErrand();
      if (!errand.has_value()) break;
      if (session_ != nullptr && !session_->StillThere()) {  // closed while it was idle: nobody's failure
        PutBack(*std::move(errand));
        break;
      }
      if (session_ == nullptr) {
        const bool opened = co_await OpenFor(&*errand);
        if (!opened) break;
      }
      path_.OnSending(*errand->lane, Now());  // before the first wait: others ask for their turn meanwhile
      AttemptResult result = co_await Attempt(errand->item);
      if (withdrawn_) {
        Forget(*errand);
        break;  // the transaction was broken off, and the connection with it
      }
      co_await Settle(*std::move(errand), std::move(result));
      ++sent;
      if (session_->bdat_refused() && shard_.no_bdat_.size() < Shard::kNoBdatMax) {
        shard_.no_bdat_.insert(group_->mx_set());
      }
      if (!session_->usable()) break;
    }
    if (session_ != nullptr) co_await session_->Quit();
  }

 private:
  // A message in hand, with the turn that gave it.
  struct Errand {
    ShardLane* lane;  // lives as long as it knows the item
    SitePath::Turn turn;
    QueueItem item;
  };

  absl::Time Now() const { return shard_.context_.clock->Now(); }

  // The next message of the group; waits for work or for its time, up to a limit. Nothing: this connection ends.
  Awaitable<std::optional<Errand>> NextErrand() {
    for (;;) {
      const absl::Time now = Now();
      if (!shard_.MayStart(now)) co_return std::nullopt;
      SitePath::Turn turn = path_.Next(group_, now);
      if (turn.lane != nullptr) {
        auto* lane = static_cast<ShardLane*>(turn.lane);
        std::optional<QueueItem> item = lane->window.Take();
        if (lane->window.WantsPage(absl::ToUnixMillis(now))) shard_.Refill(lane, now);
        if (item.has_value()) co_return Errand{lane, turn, *std::move(item)};
        continue;
      }
      if (turn.close) co_return std::nullopt;
      const bool for_work = turn.wait_until == absl::InfiniteFuture();
      const absl::Duration wait = for_work ? options_.timeouts.idle : turn.wait_until - now;
      if (wait > (for_work ? options_.timeouts.idle : kRateWaitMax) || (for_work && session_ == nullptr)) {
        co_return std::nullopt;
      }
      asio::steady_timer timer(shard_.io_, DeadlineAfter(wait + absl::Milliseconds(1)));
      IdleCourier idle{.group = group_, .timer = &timer, .for_work = for_work};
      state_.idle.push_back(&idle);
      const auto [error] = co_await timer.async_wait(use_tuple);
      std::erase(state_.idle, &idle);
      if (for_work && !error) co_return std::nullopt;  // nothing came
    }
  }

  void PutBack(Errand errand) {
    ShardLane* lane = errand.lane;
    lane->window.PutBack(std::move(errand.item));
    if (!lane->held && lane->path == &state_ && lane->group == group_) {
      return path_.PutBack(lane, errand.turn, Now());
    }
    // A pause or another site has taken the lane meanwhile.
    path_.OnUnanswered(group_, errand.turn, false, Now(), 0);
    if (lane->held || lane->path == nullptr) return;  // offered when it is released, or has a home
    lane->path->path.Offer(lane, 1);
    shard_.TendLane(lane);
  }

  void CloseSession() {
    if (session_ == nullptr) return;
    shard_.connections_.erase(&session_->connection());
    session_.reset();
    trace_.reset();
  }

  // Opens the session for an errand's domain. False: there is none, and the errand is settled or put back.
  Awaitable<bool> OpenFor(Errand* errand) {
    for (;;) {
      const std::string domain = errand->lane->key().domain;
      std::shared_ptr<const DomainRoute> route = co_await shard_.finder_.Find(domain);
      if (!shard_.MayStart(Now())) {
        PutBack(std::move(*errand));
        co_return false;
      }
      if (route->site.name != path_.site().name || route->group != group_->mx_set()) {
        // The domain has moved since its lane was given to this path.
        ShardLane* lane = errand->lane;
        PutBack(std::move(*errand));
        shard_.Home(lane, *route);
        co_return false;
      }
      std::optional<AttemptResult> trouble = co_await Open(*route, domain);
      if (!shard_.MayStart(Now())) {  // stopped, or the lease has ended, while we waited for the host
        PutBack(std::move(*errand));
        co_return false;
      }
      if (!trouble.has_value()) co_return true;
      const bool domain_is_gone = trouble->failure == Failure::kNoDomain || trouble->failure == Failure::kNullMx;
      if (PutsBack(*trouble)) {
        path_.OnThrottled(group_, {}, Throttle::kConnections, std::nullopt, Now(), shard_.Jitter());
        state_.changed = true;
        PutBack(std::move(*errand));
        co_return false;
      }
      co_await Settle(std::move(*errand), *std::move(trouble));
      if (!domain_is_gone) {
        co_await GiveUpTheOld();
        co_return false;
      }
      std::optional<Errand> next = co_await NextErrand();
      if (!next.has_value()) co_return false;
      *errand = *std::move(next);
    }
  }

  // A host that has enough connections of ours says so before it has heard of any recipient. While other connections
  // work there, that is about the number of connections and about nobody's mail.
  bool PutsBack(const AttemptResult& trouble) const {
    return trouble.failure == Failure::kNone && trouble.reply.has_value() && trouble.reply->transient() &&
           path_.connections() > 1;
  }

  Awaitable<std::optional<AttemptResult>> Open(DomainRoute route, std::string domain) {
    if (!route.dns.ok()) co_return DnsFailure(route.dns);
    const EgressRoute& egress = state_.egress->route;
    trace_ = shard_.traces_.For(domain, ++shard_.sessions_, state_.egress->address);
    Session::Options options{.route = egress,
                             .timeouts = options_.timeouts,
                             .tls = shard_.context_.tls,
                             .chunking = options_.chunking && !shard_.no_bdat_.contains(group_->mx_set()),
                             .trace = trace_.get()};
    session_ = std::make_unique<Session>(shard_.io_, std::move(options));
    shard_.connections_.insert(&session_->connection());
    std::optional<AttemptResult> trouble = Failed(Failure::kConnect, "no usable address among the MX hosts");
    size_t tried = 0;
    for (size_t i = 0; i < route.hosts.size(); ++i) {
      const MxHost& host = route.hosts[i];
      const HostPlan& plan = route.plans[i];
      if (!plan.allowed) {
        trouble = Failed(Failure::kTls, host.name + ": " + plan.refusal);
        trouble->mx_host = host.name;
        CountTls(domain, host.name, plan, trouble, "");
        continue;
      }
      for (const asio::ip::address& address : host.addresses) {
        const bool same_family = egress.source.is_unspecified() || address.is_v4() == egress.source.is_v4();
        if (!same_family || tried >= kAddressesTriedMax || shard_.stopping_) continue;
        if (!options_.allow_private_mx && IsForbiddenMx(address)) {
          trouble = Failed(Failure::kConnect, "the MX points to a private address (" + address.to_string() +
                                                  "): refused, unless smtp.allow_private_mx is set");
          trouble->mx_host = host.name;
          continue;
        }
        ++tried;
        SessionTarget target{.endpoint = {address, static_cast<uint16_t>(options_.smtp_port)},
                             .host_name = host.name,
                             .tls = plan.demand};
        trouble = co_await session_->Open(std::move(target));
        CountTls(domain, host.name, plan, trouble, address.to_string());
        if (!trouble.has_value()) co_return std::nullopt;
        if (trouble->failure == Failure::kEgress) break;
        session_->connection().Reset();
      }
      if (trouble->failure == Failure::kEgress) break;
    }
    CloseSession();
    co_return trouble;
  }

  // For TLS reports: sessions that came as far as TLS, or were not opened because of a policy.
  void CountTls(const std::string& domain, const std::string& host, const HostPlan& plan,
                const std::optional<AttemptResult>& trouble, const std::string& receiving_ip) {
    if (shard_.context_.reporter == nullptr) return;
    if (plan.allowed && trouble.has_value() && trouble->failure != Failure::kTls) return;
    shard_.context_.reporter->Count(
        SessionOf(domain, host, plan, session_->tls_outcome(), state_.egress->address, receiving_ip));
  }

  Awaitable<AttemptResult> Attempt(QueueItem item) {
    absl::StatusOr<std::shared_ptr<const CompiledContent>> content = shard_.composer_.Content(item.entry.content_id());
    if (!content.ok()) co_return MakeFailure(content.status());
    auto entry = std::make_shared<const cluster::v1::QueueEntry>(item.entry);
    absl::StatusOr<ComposedMessage> message = co_await shard_.composer_.Compose(*content, entry);
    if (!message.ok()) co_return MakeFailure(message.status());
    if (!session_->usable()) co_return Failed(Failure::kLost, "the connection closed while the message was made");

    Envelope envelope{.return_path = entry->return_path(),
                      .recipient = entry->address(),
                      .smtputf8 = message->smtputf8,
                      .envelope_id = item.id.ToString()};
    std::function<Awaitable<bool>()> before_dot = [this, &item]() -> Awaitable<bool> { return Mark(item); };
    WireMessage outgoing{.canonical = message->canonical, .has_8bit = message->has_8bit};
    co_return co_await session_->Send(std::move(envelope), std::move(outgoing), std::move(before_dot));
  }

  // From here on the recipient may have the message, whatever happens to us.
  Awaitable<bool> Mark(QueueItem item) {
    cluster::v1::InFlight mark;
    mark.set_start_ms(absl::ToUnixMillis(Now()));
    std::function<void(QueueStore::Done)> start = [this, item, mark](QueueStore::Done done) {
      shard_.context_.store->MarkInFlight(item, mark, std::move(done));
    };
    const absl::Status marked = co_await AwaitDone(std::move(start));
    withdrawn_ = absl::IsNotFound(marked);
    if (!marked.ok() && !withdrawn_) shard_.StorageFailed(marked);
    co_return marked.ok();
  }

  absl::Duration MaxAgeOf(const QueueItem& item) {
    const auto content = shard_.composer_.Content(item.entry.content_id());
    const bool known = content.ok() && (*content)->max_age > absl::ZeroDuration();
    return (known ? (*content)->max_age : absl::Hours(72)) / options_.clock_scale;
  }

  // Decides, and hands the change to the disk. Waits only if too much is on its way there.
  Awaitable<void> Settle(Errand errand, AttemptResult result) {
    const absl::Time now = Now();
    if (result.egress_ip.empty()) result.egress_ip = state_.egress->address;
    if (session_ != nullptr && !result.tls.empty()) {
      const std::string& by = session_->tls_outcome().verified_by;
      absl::StrAppend(&result.tls, by.empty() ? "" : ", verified by ", by);
    }
    const TroublePolicy policy{.max_age = MaxAgeOf(errand.item),
                               .scale = options_.clock_scale,
                               .book = shard_.finder_.book().get(),
                               .provider = path_.site().provider};
    Decision decision = Decide(result, errand.item.entry, now, policy, shard_.Jitter());
    absl::Time due = now + decision.delay;
    Learn(errand, decision, now, &due);
    refusals_ = decision.lesson == Lesson::kAccepted ? 0 : refusals_ + 1;
    // What was learned may have opened a gate, or allowed more connections.
    if (path_.MayOpenMore(now)) shard_.TendPath(&state_);

    cluster::v1::Report report;
    *report.mutable_status() = decision.status;
    report.set_attempts(errand.item.entry.attempts() + 1);
    if (decision.kind == Decision::Kind::kFinish) {
      Submit(std::move(errand.item), std::move(report), decision.outcome, std::nullopt, {}, now);
    } else {
      cluster::v1::QueueEntry entry = DeferredEntry(errand.item.entry, decision, now);
      Submit(std::move(errand.item), std::move(report), v1::OUTCOME_UNSPECIFIED, absl::ToUnixMillis(due),
             std::move(entry), now);
    }
    while (shard_.unsettled_ >= Shard::kUnsettledMax) co_await shard_.settled_.async_wait(use_tuple);
  }

  // Somebody (a suppression, a drop) has ended the recipient meanwhile: nothing to decide, and nothing to blame on the
  // host.
  void Forget(const Errand& errand) {
    path_.OnUnanswered(group_, errand.turn, false, Now(), 0);
    errand.lane->window.OnSettled(errand.item.id);
    shard_.TendLane(errand.lane);
  }

  // Tells the path what the attempt teaches. due: replaced where the path knows better.
  void Learn(const Errand& errand, const Decision& decision, absl::Time now, absl::Time* due) {
    const cluster::v1::QueueEntry& entry = errand.item.entry;
    const std::optional<absl::Time> greylisted =
        entry.greylisted_ms() != 0 ? std::optional(absl::FromUnixMillis(entry.greylisted_ms())) : std::nullopt;
    const bool cut_by_us =
        shard_.stopping_ && (decision.lesson == Lesson::kLost || decision.lesson == Lesson::kUnreachable);
    if (cut_by_us) return path_.OnUnanswered(group_, errand.turn, false, now, 0);
    switch (decision.lesson) {
      case Lesson::kNone:
        path_.OnUnanswered(group_, errand.turn, false, now, 0);
        return;
      case Lesson::kAccepted:
        path_.OnAnswered(group_, true, errand.turn, greylisted, now);
        if (absl::ToUnixMillis(now) > group_->saved_ms + 3'600'000) shard_.SaveGreylist(&state_, group_, now);
        if (path_.warm_up() != nullptr || !path_.shaper().fresh()) state_.changed = true;
        return;
      case Lesson::kRefused:
        path_.OnAnswered(group_, false, errand.turn, greylisted, now);
        return;
      case Lesson::kGreylisted:
        *due = path_.OnGreylisted(group_, errand.turn, greylisted.value_or(now), StepOf(entry, v1::GREYLISTED),
                                  decision.after_rcpt, decision.hint, now, shard_.Jitter());
        shard_.SaveGreylist(&state_, group_, now);
        return;
      case Lesson::kThrottled:
        path_.OnThrottled(group_, errand.turn, decision.throttle, decision.hint, now, shard_.Jitter());
        if (decision.suspends_ip) {
          spdlog::warn("event=egress_ip_refused egress_ip={} site={} reply=\"{}\"", state_.egress->address,
                       path_.site().name, Printable(decision.status.text()));
        }
        Trouble(decision);
        return;
      case Lesson::kUnreachable:
        path_.OnUnreachable(decision.status.reason(), decision.hint, now, shard_.Jitter());
        path_.OnUnanswered(group_, errand.turn, false, now, 0);
        Trouble(decision);
        return;
      case Lesson::kLost:
        path_.OnUnanswered(group_, errand.turn, true, now, shard_.Jitter());
        Trouble(decision);
        return;
      case Lesson::kEgress:
        path_.OnUnanswered(group_, errand.turn, false, now, 0);
        shard_.SuspendIp(state_.egress, now + kSuspendIp, decision.status.text());
        *due = now + kSuspendIp;
        Trouble(decision);
        return;
    }
  }

  void Trouble(const Decision& decision) {
    state_.last_trouble = decision.status;
    state_.changed = true;
  }

  void Submit(QueueItem item, cluster::v1::Report report, v1::Outcome outcome, std::optional<int64_t> due_ms,
              cluster::v1::QueueEntry entry, absl::Time now) {
    report.set_recipient_id(item.id.packed());
    report.set_outcome(outcome);
    SetTime(absl::ToUnixMillis(now), report.mutable_time());
    ++shard_.unsettled_;
    auto done = [shard = &shard_, lane = item.lane, id = item.id, due_ms](absl::Status status) {
      asio::post(shard->io_,
                 [shard, lane, id, due_ms, status = std::move(status)] { OnSettled(shard, lane, id, due_ms, status); });
    };
    if (due_ms.has_value()) {
      SetTime(*due_ms, report.mutable_next_attempt_time());
      shard_.context_.store->Defer(item, std::move(entry), *due_ms, std::move(report), std::move(done));
    } else {
      shard_.context_.store->Finish(item, std::move(report), std::move(done));
    }
  }

  static void OnSettled(Shard* shard, const LaneKey& key, RecipientId id, std::optional<int64_t> due_ms,
                        const absl::Status& status) {
    if (--shard->unsettled_ < Shard::kUnsettledMax) shard->settled_.cancel();
    if (!status.ok()) {
      // The entry stays in the queue, and is not sent again before a restart has looked at the disk.
      shard->StorageFailed(status);
      return;
    }
    // The lane is there: it is not dropped while it knows the id.
    const auto found = shard->lanes_.find(key);
    if (found == shard->lanes_.end()) return;
    found->second->window.OnSettled(id);
    if (due_ms.has_value()) {
      LaneKey retries = key;
      retries.retry = true;
      shard->OnLaneDue({std::move(retries), *due_ms});
    }
    const auto again = shard->lanes_.find(key);
    if (again != shard->lanes_.end() && again->second->window.at_rest()) shard->TendLane(again->second.get());
  }

  // A site that cannot be reached: those who have waited too long are given up without an attempt of their own.
  Awaitable<void> GiveUpTheOld() {
    std::vector<LaneKey> keys;
    for (const ShardLane* lane : state_.lanes) {
      if (lane->window.ready() > 0) keys.push_back(lane->key());
    }
    for (const LaneKey& key : keys) {
      for (size_t i = 0; i < kGivenUpPerLane; ++i) {
        const auto found = shard_.lanes_.find(key);
        if (found == shard_.lanes_.end() || found->second->path != &state_) break;
        ShardLane* lane = found->second.get();
        const absl::Time now = Now();
        if (lane->ready == 0 || lane->window.ready() == 0) break;
        if (!IsTooOld(lane->window.front().entry, now, MaxAgeOf(lane->window.front()))) break;
        path_.Withdraw(lane);
        std::optional<QueueItem> item = lane->window.Take();
        path_.Offer(lane, static_cast<int64_t>(lane->window.ready()));
        cluster::v1::Report report;
        *report.mutable_status() = state_.last_trouble;
        report.mutable_status()->set_maybe_delivered(item->entry.maybe_delivered());
        report.set_attempts(item->entry.attempts());
        Submit(*std::move(item), std::move(report), v1::EXPIRED, std::nullopt, {}, now);
        while (shard_.unsettled_ >= Shard::kUnsettledMax) co_await shard_.settled_.async_wait(use_tuple);
      }
      const auto again = shard_.lanes_.find(key);
      if (again != shard_.lanes_.end()) shard_.TendLane(again->second.get());  // there may be more of them on disk
    }
  }

  Shard& shard_;
  ShardPath& state_;
  SitePath& path_;
  PathGroup* const group_;
  const DeliveryOptions& options_;
  std::unique_ptr<SessionTrace> trace_;  // outlives the session
  std::unique_ptr<Session> session_;
  int refusals_ = 0;  // in a row
  bool withdrawn_ = false;
};

Awaitable<void> RunCourier(Shard* shard, ShardPath* state, PathGroup* group) {
  // Never within TendPath, which goes on with the path: our end may drop it.
  co_await asio::post(shard->io_, asio::use_awaitable);
  {
    Courier courier(shard, state, group);
    co_await courier.Run();
  }
  // Last: it may drop the path.
  shard->TendPath(state);
}

}  // namespace wavepost
