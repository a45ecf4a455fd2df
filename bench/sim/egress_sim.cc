#include "bench/sim/egress_sim.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <queue>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "bench/sim/egress_state.h"
#include "bench/sim/random.h"
#include "sender/engine/site_path.h"
#include "sender/policy/retry_ladder.h"

namespace wavepost::sim {
namespace {

// What a node allows one of its addresses; a few more are kept for urgent messages.
constexpr int kConnectionsMax = 500;
constexpr int kConnectionsUrgent = 550;
constexpr Micros kIdleMax = kSecond;        // a connection without work is closed, as SmtpTimeouts::idle has it
constexpr Micros kSleepMax = 10 * kSecond;  // so is one whose next message may not go for longer
constexpr double kRefusalShare = 0.4;       // of a connection's or message's time until it is refused

class EgressSim {
 public:
  EgressSim(const std::string& ip, const EgressOptions& options)
      : ip_(ip),
        options_(options),
        world_(*options.world),
        tenants_(*options.tenants),
        random_(options.seed),
        result_(world_.kinds.size(), tenants_.size()) {}

  SimResult Run(const std::vector<Load>& loads, const std::vector<UrgentArrival>& urgents) {
    for (const Load& load : loads) AddLoad(load);
    for (PathRec& path : paths_) Tend(&path);
    size_t urgent = 0;
    while (bulk_left_ > 0 || !events_.empty()) {
      // No new urgent messages once the wave is through: they would only flatter the waits.
      const Micros arrival = bulk_left_ > 0 && urgent < urgents.size() ? urgents[urgent].at : kNever;
      const Micros next = events_.empty() ? kNever : events_.top().at;
      if (std::min(arrival, next) >= options_.horizon) break;
      ++result_.events;
      if (arrival <= next) {
        now_ = arrival;
        Arrive(urgents[urgent++]);
        continue;
      }
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      Handle(event);
    }
    result_.undelivered = bulk_left_;
    for (const PathRec& path : paths_) {
      if (path.tenants == static_cast<int>(tenants_.size())) {
        result_.CountFairness(path.contended, tenants_, &Counts(&path));
      }
    }
    return std::move(result_);
  }

 private:
  KindCounts& Counts(const PathRec* path) { return result_.kinds[path->site->kind]; }
  double Jitter() { return random_.Uniform(); }
  absl::Time Now() const { return At(now_); }

  void Plan(Micros at, Kind kind, uint32_t item, uint32_t generation = 0) {
    events_.push({std::max(at, now_), order_++, kind, item, generation});
  }

  void CountBucket(std::vector<int64_t>* series) {
    const auto bucket = static_cast<size_t>(static_cast<double>(now_) / kSecond / options_.bucket_s);
    if (series->size() <= bucket) series->resize(bucket + 1);
    ++(*series)[bucket];
  }

  // ------------------------------------------------------------------------------------------ making things

  GroupRec* GroupOf(uint32_t domain) {
    const DomainSpec& spec = world_.domains[domain];
    PathRec*& path = path_of_site_[spec.site];
    if (path == nullptr) {
      const SiteSpec& site = world_.sites[spec.site];
      SitePath::Options options;
      options.warm_up = options_.warm_up;
      path = &paths_.emplace_back(new SitePath(ip_, site.site, options, {}, Now()), &site,
                                  static_cast<uint32_t>(paths_.size()));
      path->ready.resize(tenants_.size());
      path->contended.resize(tenants_.size());
    }
    PathGroup* group = path->path->FindOrAddGroup(spec.mx_set, {});
    GroupRec*& rec = group_recs_[group];
    if (rec == nullptr) rec = &groups_.emplace_back(GroupRec{group, path});
    return rec;
  }

  LaneRec* NewLane(uint32_t domain, uint32_t tenant, bool urgent, bool retry) {
    LaneRec& lane = lanes_.emplace_back();
    lane.domain = domain;
    lane.group = GroupOf(domain);
    lane.group->path->path->Attach(&lane.lane, lane.group->group);
    lane.lane.flow = {
        .urgent = urgent, .tenant = tenant, .weight = tenants_[tenant].weight, .wave = tenant, .retry = retry};
    return &lane;
  }

  LaneRec* FindLane(uint32_t domain, uint32_t tenant, bool urgent, bool retry) {
    const uint64_t key = (static_cast<uint64_t>(domain) << 32) | (tenant << 2) | (urgent ? 2U : 0U) | (retry ? 1U : 0U);
    LaneRec*& lane = lane_by_key_[key];
    if (lane == nullptr) lane = NewLane(domain, tenant, urgent, retry);
    return lane;
  }

  void AddLoad(const Load& load) {
    LaneRec* lane = NewLane(load.domain, load.tenant, false, false);
    bulk_left_ += load.count;
    PathRec* path = lane->group->path;
    Counts(path).recipients += load.count;
    if (path->ready[load.tenant] == 0) ++path->tenants;
    Offer(lane, load.count);
  }

  uint32_t NewRecipient() {
    if (free_.empty()) {
      recipients_.emplace_back();
      return static_cast<uint32_t>(recipients_.size() - 1);
    }
    const uint32_t index = free_.back();
    free_.pop_back();
    recipients_[index] = {};
    return index;
  }

  uint32_t NewConn() {
    if (free_conns_.empty()) {
      conns_.emplace_back();
      return static_cast<uint32_t>(conns_.size() - 1);
    }
    const uint32_t index = free_conns_.back();
    free_conns_.pop_back();
    const uint32_t generation = conns_[index].generation + 1;
    conns_[index] = {};
    conns_[index].generation = generation;
    return index;
  }

  // ------------------------------------------------------------------------------------------ offering

  void Offer(LaneRec* lane, int64_t count) {
    PathRec* path = lane->group->path;
    const FlowKey& flow = lane->lane.flow;
    if (flow.urgent) {
      path->urgent_ready += count;
    } else {
      int32_t& ready = path->ready[flow.tenant];
      if (ready == 0) ++path->tenants_ready;
      ready += static_cast<int32_t>(count);
    }
    path->path->Offer(&lane->lane, count);
  }

  void OfferOne(LaneRec* lane, uint32_t recipient) {
    lane->queue.push_back(recipient);
    Offer(lane, 1);
    PathRec* path = lane->group->path;
    // A connection that waits for a time may have something to do now, or has to make room.
    if (!WakeSleeper(path, lane->group) && lane->lane.flow.urgent) WakeSleeper(path, nullptr);
    Tend(path);
  }

  void Arrive(const UrgentArrival& arrival) {
    const uint32_t index = NewRecipient();
    recipients_[index].arrived = now_;
    recipients_[index].urgent = true;
    LaneRec* lane = FindLane(arrival.domain, arrival.tenant, true, false);
    ++Counts(lane->group->path).urgent;
    OfferOne(lane, index);
  }

  // ------------------------------------------------------------------------------------------ connections

  void Tend(PathRec* path) {
    while (true) {
      if (open_ >= (path->urgent_ready > 0 ? kConnectionsUrgent : kConnectionsMax)) {
        if (!path->waits) waiting_.push_back(path);
        path->waits = true;
        return;
      }
      const SitePath::Opening opening = path->path->NextOpening(Now());
      if (opening.group == nullptr) {
        Look(path, ToMicros(opening.look_again));
        return;
      }
      Connect(path, group_recs_[opening.group]);
    }
  }

  void Look(PathRec* path, Micros at) {
    if (at == kNever) return;
    at = std::max(at, now_ + 1);
    if (path->look_at > now_ && path->look_at <= at) return;
    path->look_at = at;
    Plan(at, kLook, path->index);
  }

  void Connect(PathRec* path, GroupRec* group) {
    path->path->OnConnecting(group->group, Now());
    ++open_;
    ++result_.connections;
    const uint32_t index = NewConn();
    Conn& conn = conns_[index];
    conn.index = index;
    conn.path = path;
    conn.group = group;
    conn.refusal = path->receiver.Connect(now_);
    const Micros took = Latency(path->receiver.spec().connect_s, random_);
    if (conn.refusal != nullptr) {
      Plan(now_ + static_cast<Micros>(kRefusalShare * static_cast<double>(took)), kRefused, index, conn.generation);
    } else {
      Plan(now_ + took, kConnected, index, conn.generation);
    }
  }

  void CloseConn(Conn* conn, bool counted) {
    PathRec* path = conn->path;
    if (conn->sleeping) Unsleep(conn);
    if (counted) path->receiver.Close();
    path->path->OnClosed(conn->group->group);
    ++conn->generation;
    free_conns_.push_back(conn->index);
    --open_;
    Tend(path);
    for (size_t i = waiting_.size(); i > 0 && open_ < kConnectionsMax; --i) {
      PathRec* next = waiting_.front();
      waiting_.pop_front();
      next->waits = false;
      Tend(next);
    }
  }

  void Sleep(Conn* conn, Micros until) {
    conn->sleeping = true;
    conn->path->sleepers.push_back(conn);
    Plan(until, kWake, conn->index, ++conn->generation);
  }

  void Unsleep(Conn* conn) {
    conn->sleeping = false;
    ++conn->generation;
    std::erase(conn->path->sleepers, conn);
  }

  // The first that sleeps and serves the group (null: any).
  bool WakeSleeper(PathRec* path, const GroupRec* group) {
    for (Conn* conn : path->sleepers) {
      if (group != nullptr && conn->group != group) continue;
      Unsleep(conn);
      Serve(conn, false);
      return true;
    }
    return false;
  }

  // Asks the path what this connection does next. expired: it has been idle for as long as it may.
  void Serve(Conn* conn, bool expired) {
    PathRec* path = conn->path;
    if (conn->served >= path->path->shaper().messages_per_connection()) {
      CloseConn(conn, true);
      return;
    }
    conn->turn = path->path->Next(conn->group->group, Now());
    if (conn->turn.lane != nullptr) {
      Send(conn);
      return;
    }
    const Micros until = ToMicros(conn->turn.wait_until);
    if (conn->turn.close || (until == kNever ? expired : until > now_ + kSleepMax)) {
      CloseConn(conn, true);
      return;
    }
    Sleep(conn, until == kNever ? now_ + kIdleMax : until);
  }

  // ------------------------------------------------------------------------------------------ messages

  void Send(Conn* conn) {
    PathRec* path = conn->path;
    auto* lane = reinterpret_cast<LaneRec*>(conn->turn.lane);
    conn->lane = lane;
    conn->recipient = kNobody;
    conn->first_seen.reset();
    path->path->OnSending(lane->lane, Now());
    const FlowKey& flow = lane->lane.flow;
    if (flow.urgent || flow.retry) {
      conn->recipient = lane->queue[lane->head++];
      if (lane->head == lane->queue.size()) lane->queue.clear(), lane->head = 0;
      Recipient& recipient = recipients_[conn->recipient];
      conn->first_seen = recipient.first_seen;
      if (flow.urgent && !flow.retry) result_.urgent_start.Add(now_ - recipient.arrived);
    }
    if (flow.urgent) {
      --path->urgent_ready;
    } else {
      CountTurn(path, flow.tenant);
      const WarmUpMeter* meter = path->path->warm_up();
      if (meter != nullptr) {
        const std::optional<int64_t> cap = meter->cap(Now());
        if (cap.has_value() && meter->sent(Now()) > *cap) ++result_.over_cap;
      }
    }
    conn->refusal = path->receiver.Message(now_, conn->served, &conn->first_seen, random_);
    ++conn->served;
    Micros took = Latency(path->receiver.spec().message_s, random_);
    if (conn->refusal != nullptr && conn->refusal->phase != Phase::kEndOfData) {
      took = static_cast<Micros>(kRefusalShare * static_cast<double>(took));
    }
    Plan(now_ + took, kAnswered, conn->index, conn->generation);
  }

  void CountTurn(PathRec* path, uint32_t tenant) {
    if (path->tenants > 1 && path->tenants_ready == path->tenants) ++path->contended[tenant];
    if (--path->ready[tenant] == 0) --path->tenants_ready;
  }

  void Answered(Conn* conn) {
    PathRec* path = conn->path;
    KindCounts& counts = Counts(path);
    PathGroup* group = conn->group->group;
    const JudgedReply* refusal = conn->refusal;
    if (refusal == nullptr) {
      ++counts.accepted;
      CountBucket(&counts.accepted_by_bucket);
      path->path->OnAnswered(group, true, conn->turn, GreylistedAt(*conn), Now());
      Finish(conn, true);
    } else if (refusal->bounces) {
      ++counts.bounced;
      path->path->OnAnswered(group, false, conn->turn, GreylistedAt(*conn), Now());
      Finish(conn, false);
    } else if (refusal->lesson == Lesson::kGreylisted) {
      ++counts.greylisted;
      Recipient& recipient = Record(conn);
      if (!recipient.first_seen.has_value()) {
        recipient.first_seen = conn->first_seen;
      } else {
        ++counts.early;
      }
      ++recipient.greylist_step;
      const absl::Time due =
          path->path->OnGreylisted(group, conn->turn, At(*recipient.first_seen), recipient.greylist_step,
                                   refusal->after_rcpt, refusal->hint, Now(), Jitter());
      Plan(ToMicros(due), kDue, conn->recipient);
    } else {
      ++counts.throttled;
      CountBucket(&counts.throttled_by_bucket);
      Recipient& recipient = Record(conn);
      path->path->OnThrottled(group, conn->turn, refusal->throttle, refusal->hint, Now(), Jitter());
      const absl::Duration delay = RetryDelay(refusal->reason, ++recipient.step, refusal->hint, Jitter(), 1);
      Plan(ToMicros(Now() + delay), kDue, conn->recipient);
    }
    if (refusal != nullptr && refusal->closes) {
      CloseConn(conn, true);
    } else {
      Serve(conn, false);
    }
    // The answer may have opened a gate, or allowed one connection more.
    WakeIdle(path);
    if (path->path->connections() < path->path->shaper().ConnectionsAllowed(Now())) Tend(path);
  }

  void WakeIdle(PathRec* path) {
    for (Conn* conn : path->sleepers) {
      if (conn->turn.wait_until != absl::InfiniteFuture() || conn->group->group->ready() == 0) continue;
      Unsleep(conn);
      Serve(conn, false);
      return;
    }
  }

  std::optional<absl::Time> GreylistedAt(const Conn& conn) const {
    if (conn.recipient == kNobody || recipients_[conn.recipient].greylist_step == 0) return std::nullopt;
    return At(*recipients_[conn.recipient].first_seen);
  }

  // Of the message under way; a newcomer gets one now.
  Recipient& Record(Conn* conn) {
    if (conn->recipient == kNobody) conn->recipient = NewRecipient();
    Recipient& recipient = recipients_[conn->recipient];
    if (recipient.retry_lane == nullptr) {
      const FlowKey& flow = conn->lane->lane.flow;
      recipient.retry_lane = FindLane(conn->lane->domain, flow.tenant, flow.urgent, true);
    }
    return recipient;
  }

  void Finish(Conn* conn, bool accepted) {
    const bool urgent = conn->lane->lane.flow.urgent;
    if (conn->recipient != kNobody) {
      const Recipient& recipient = recipients_[conn->recipient];
      if (recipient.greylist_step > 0 && accepted) {
        const auto window = static_cast<Micros>(conn->path->receiver.spec().window_s * kSecond);
        result_.grey_extra.Add(now_ - *recipient.first_seen - window);
      }
      if (urgent && recipient.greylist_step == 0) result_.urgent_accepted.Add(now_ - recipient.arrived);
      free_.push_back(conn->recipient);
      conn->recipient = kNobody;
    }
    if (urgent) return;
    --bulk_left_;
    result_.drained_at = now_;
    Counts(conn->path).finished_at = now_;
  }

  void Refused(Conn* conn) {
    PathRec* path = conn->path;
    ++Counts(path).refused;
    const JudgedReply& refusal = *conn->refusal;
    if (refusal.lesson == Lesson::kThrottled) {
      path->path->OnThrottled(conn->group->group, {}, refusal.throttle, refusal.hint, Now(), Jitter());
    } else {
      path->path->OnUnreachable(refusal.reason, refusal.hint, Now(), Jitter());
    }
    CloseConn(conn, false);
  }

  void Handle(const Event& event) {
    switch (event.kind) {
      case kLook: {
        PathRec* path = &paths_[event.item];
        if (path->look_at == event.at) path->look_at = kNever;
        Tend(path);
        // A gate may have opened for connections that are there already.
        WakeIdle(path);
        return;
      }
      case kDue:
        OfferOne(recipients_[event.item].retry_lane, event.item);
        return;
      default: {
        Conn* conn = &conns_[event.item];
        if (conn->generation != event.generation) return;
        if (event.kind == kConnected) Serve(conn, false);
        if (event.kind == kRefused) Refused(conn);
        if (event.kind == kAnswered) Answered(conn);
        if (event.kind == kWake) {
          const bool idle = conn->turn.wait_until == absl::InfiniteFuture();
          Unsleep(conn);
          Serve(conn, idle);
        }
      }
    }
  }

  const std::string ip_;
  const EgressOptions& options_;
  const World& world_;
  const std::vector<TenantSpec>& tenants_;
  Random random_;
  SimResult result_;
  Micros now_ = 0;
  uint64_t order_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  int64_t bulk_left_ = 0;
  int open_ = 0;

  std::deque<PathRec> paths_;
  std::deque<GroupRec> groups_;
  std::deque<LaneRec> lanes_;
  std::deque<Conn> conns_;
  absl::flat_hash_map<uint32_t, PathRec*> path_of_site_;
  absl::flat_hash_map<const PathGroup*, GroupRec*> group_recs_;
  absl::flat_hash_map<uint64_t, LaneRec*> lane_by_key_;
  std::vector<uint32_t> free_conns_;
  std::deque<PathRec*> waiting_;  // for one of the address's connections
  std::vector<Recipient> recipients_;
  std::vector<uint32_t> free_;
};

}  // namespace

absl::Time Epoch() {
  return At(0);
}

SimResult SimulateEgress(const std::string& ip, const std::vector<Load>& loads,
                         const std::vector<UrgentArrival>& urgents, const EgressOptions& options) {
  return EgressSim(ip, options).Run(loads, urgents);
}

}  // namespace wavepost::sim
