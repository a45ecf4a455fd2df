#include "coordinator/dispatch/dispatch_service.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/rpc/status.h"
#include "coordinator/base/change_wakeup.h"
#include "coordinator/base/event_thread.h"
#include "coordinator/base/log.h"
#include "coordinator/dispatch/attach.h"
#include "coordinator/dispatch/node_identity.h"
#include "coordinator/dispatch/question_book.h"
#include "coordinator/rpc/auth.h"
#include "coordinator/rpc/stream.h"
#include "wavepost/cluster/v1/dispatch_service.grpc.pb.h"

namespace wavepost {
namespace {

using cluster::v1::CoordinatorMessage;
using cluster::v1::NodeMessage;

constexpr size_t kStreamsMax = 2000;
constexpr absl::Duration kTick = absl::Seconds(1);
constexpr absl::Duration kHelloWithin = absl::Seconds(10);
constexpr absl::Duration kCloseWithin = absl::Seconds(5);

absl::Status StoppingError() {
  return ApiError(absl::StatusCode::kUnavailable, "STOPPING", "the coordinator is stopping; dial again in a moment");
}

}  // namespace

class DispatchServer::Impl final : public cluster::v1::DispatchService::CallbackService, public NodeAsker {
 public:
  Impl(Store* store, NodeRegistry* nodes, const Clock* clock, Options options)
      : store_(store),
        registry_(nodes),
        clock_(clock),
        options_(std::move(options)),
        loader_(store, options_.batches),
        started_(clock->Now()),
        wakeup_(&owner_, [this] { StoreChanged(); }) {
    owner_.Post([this] { Tick(); });
  }

  ~Impl() override {
    reader_.Stop();
    owner_.Stop();
  }

  grpc::ServerBidiReactor<NodeMessage, CoordinatorMessage>* Attach(grpc::CallbackServerContext* context) override {
    auto stream = Stream::Create(&owner_, context);
    const absl::Status allowed = RequirePeerCertificate(*context, options_.require_peer_certificate);
    owner_.Post([this, stream, allowed] { Open(stream, allowed); });
    return stream.get();
  }

  void OnStoreChange() { wakeup_.Notify(); }

  void Shutdown() {
    owner_.Post([this] {
      stopping_ = true;
      const auto now = streams_;
      for (const auto& link : now) End(link, StoppingError());
      questions_.Stop();
    });
  }

  void Ask(std::map<std::string, cluster::v1::Question> questions, absl::Duration timeout,
           std::function<void(NodeAnswers)> done) override {
    owner_.Post([this, questions = std::move(questions), timeout, done = std::move(done)]() mutable {
      Deliver(questions_.Ask(std::move(questions), AttachedNow(), clock_->Now() + timeout, std::move(done)));
      if (stopping_) questions_.Stop();
    });
  }

  int64_t StartTrace(const std::vector<std::string>& nodes, v1::TraceRequest request, absl::Duration length,
                     std::function<void(cluster::v1::TraceLines)> lines,
                     std::function<void(absl::Status)> ended) override {
    const int64_t id = ++last_trace_;
    owner_.Post([this, id, nodes, request = std::move(request), length, lines = std::move(lines),
                 ended = std::move(ended)]() mutable {
      Deliver(questions_.StartTrace(id, nodes, request, AttachedNow(), clock_->Now() + length, std::move(lines),
                                    std::move(ended)));
      if (stopping_) questions_.Stop();
    });
    return id;
  }

  void StopTrace(int64_t trace) override {
    owner_.Post([this, trace] { Deliver(questions_.StopTrace(trace)); });
  }

  void StopReading() { reader_.Stop(); }

 private:
  using Stream = BidiStream<NodeMessage, CoordinatorMessage>;

  // A stream, and from its hello on a node.
  struct Link {
    std::shared_ptr<Stream> stream;
    cluster::v1::Hello hello;              // node_id empty: none yet
    std::unique_ptr<NodeSession> session;  // null: not attached yet
    bool ended = false;
    absl::Time since;  // opened, then ended
  };
  using LinkPtr = std::shared_ptr<Link>;

  void Open(const std::shared_ptr<Stream>& stream, const absl::Status& allowed) {
    if (!allowed.ok()) return stream->Close(allowed);
    if (stopping_) return stream->Close(StoppingError());
    if (streams_.size() >= kStreamsMax) {
      return stream->Close(ApiError(absl::StatusCode::kResourceExhausted, "BUSY", "too many nodes are attached"));
    }
    auto link = std::make_shared<Link>();
    link->stream = stream;
    link->since = clock_->Now();
    streams_.insert(link);
    stream->on_message = [this, link](NodeMessage message) { OnMessage(link, std::move(message)); };
    stream->on_written = [this, link] {
      if (link->session != nullptr) Run(link, link->session->OnWritten());
    };
    stream->on_reads_done = [this, link] { End(link, absl::OkStatus()); };
    stream->on_broken = [this, link] { End(link, absl::CancelledError("the stream broke")); };
    stream->on_done = [this, link] { streams_.erase(link); };
    stream->Read();
  }

  void OnMessage(const LinkPtr& link, NodeMessage message) {
    if (link->ended) return;
    if (link->session == nullptr) return OnHello(link, std::move(message));
    const bool is_status = message.has_status();
    Run(link, link->session->OnMessage(std::move(message), clock_->Now()));
    if (is_status) Register(*link);
  }

  void OnHello(const LinkPtr& link, NodeMessage message) {
    if (!message.has_hello()) {
      return End(link, ApiError(absl::StatusCode::kInvalidArgument, "NO_HELLO", "the first message must be a hello"));
    }
    link->hello = std::move(*message.mutable_hello());
    absl::Status bad = CheckHello(&link->hello);
    if (bad.ok()) bad = CheckAddressesFree(*link);
    if (!bad.ok()) {
      return Refuse(link, bad);
    }
    const auto former = nodes_.find(link->hello.node_id());
    if (former != nodes_.end()) {
      const absl::Status refused = CheckIdentity(link->hello.node_id(), link->hello.data_id(),
                                                 {.data_id = former->second->hello.data_id(), .attached = true},
                                                 clock_->Now(), options_.sessions.lease, options_.sessions.silence_max);
      if (!refused.ok()) return Refuse(link, refused);
      const LinkPtr old = former->second;
      End(old, ApiError(absl::StatusCode::kAborted, "REPLACED", "the node opened a newer stream"));
    }
    nodes_[link->hello.node_id()] = link;
    const std::optional<NodeView> seen = registry_->Get(link->hello.node_id());
    // Before our own start we do not know: it may have been attached until then.
    const absl::Time last_heard = seen.has_value() ? seen->last_seen : started_;
    reader_.Post([this, link, hello = link->hello, last_heard] {
      auto result = std::make_shared<absl::StatusOr<AttachResult>>(
          AttachIn(store_, hello, last_heard, clock_->Now(), options_.sessions));
      owner_.Post([this, link, result] { OnAttached(link, *result); });
    });
  }

  void Refuse(const LinkPtr& link, const absl::Status& status) {
    const std::string node = link->hello.node_id();
    LogWarning("node_refused", {{"node", node}, {"error", std::string(status.message())}});
    End(link, status);
    link->hello.clear_node_id();
  }

  // An address may move to another node only when the one that has it is away.
  absl::Status CheckAddressesFree(const Link& link) {
    for (const auto& [id, other] : nodes_) {
      if (id == link.hello.node_id()) continue;
      for (const v1::EgressIp& theirs : other->hello.egress_ips()) {
        for (int i = 0; i < link.hello.egress_ips_size(); ++i) {
          if (link.hello.egress_ips(i).address() != theirs.address()) continue;
          return BadFields("ADDRESS_IN_USE", {{absl::StrCat("hello.egress_ips[", i, "].address"),
                                               absl::StrCat(theirs.address(), " belongs to the node '", id,
                                                            "', which is attached; give each address to one node")}});
        }
      }
    }
    return absl::OkStatus();
  }

  void OnAttached(const LinkPtr& link, const absl::StatusOr<AttachResult>& result) {
    if (link->ended) return;
    if (absl::IsFailedPrecondition(result.status())) return Refuse(link, result.status());
    if (!result.ok()) return End(link, result.status());
    link->session = std::make_unique<NodeSession>(options_.sessions, link->hello, result->node, clock_->Now());
    LogInfo("node_attached", {{"node", link->hello.node_id()},
                              {"epoch", result->node.epoch()},
                              {"egress_ips", link->hello.egress_ips_size()},
                              {"outstanding_batches", result->outstanding.size()}});
    NodeEvent(link->hello.node_id(), absl::StrCat("attached, epoch ", result->node.epoch()));
    Register(*link);
    Run(link, link->session->Start(result->outstanding, store_->KeysGeneration()));
  }

  // Carries out what the session wants, then reads on if it may.
  void Run(const LinkPtr& link, NodeSession::Effects effects) {
    if (link->ended) return;
    if (!effects.close.ok()) return End(link, effects.close);
    for (CoordinatorMessage& message : effects.send) link->stream->Write(std::move(message));
    const std::string& node = link->hello.node_id();
    for (const std::string& batch_id : effects.acknowledge) {
      store_->AcknowledgeBatch(node, batch_id, [this, link, batch_id](absl::Status status) {
        owner_.Post([this, link, batch_id, status] {
          if (link->ended) return;
          if (!status.ok()) return End(link, Unavailable(status));
          Run(link, link->session->OnForgotten(batch_id));
        });
      });
    }
    for (auto& reports : effects.apply) {
      const int64_t through = reports.back().sequence();
      store_->ApplyReports(node, std::move(reports), [this, link, through](absl::Status status) {
        owner_.Post([this, link, through, status] {
          if (link->ended) return;
          if (!status.ok()) return End(link, Unavailable(status));
          Run(link, link->session->OnApplied(through));
        });
      });
    }
    for (cluster::v1::Answer& answer : effects.answers) questions_.OnAnswer(node, std::move(answer));
    if (effects.orders_acknowledged.has_value()) {
      store_->AcknowledgeOrders(node, *effects.orders_acknowledged, [this, link](absl::Status status) {
        owner_.Post([this, link, status] {
          if (link->ended) return;
          if (!status.ok()) return End(link, Unavailable(status));
          Run(link, link->session->OnOrdersAcknowledged());
        });
      });
    }
    if (effects.load_heads_after.has_value()) {
      AskStore(
          link,
          [this, node, after = *effects.load_heads_after] {
            return store_->PendingHeads(node, after, NodeSession::kHeadsMax);
          },
          &NodeSession::OnHeads);
    }
    if (effects.load_batch.has_value()) {
      AskStore(
          link, [this, node, sequence = effects.load_batch->sequence] { return LoadBatch(node, sequence); },
          &NodeSession::OnBatch);
    }
    if (effects.load_orders_after.has_value()) {
      AskStore(
          link, [this, after = *effects.load_orders_after] { return store_->Orders(after, NodeSession::kOrdersMax); },
          &NodeSession::OnOrders);
    }
    if (effects.load_suppressions_after.has_value()) {
      AskStore(
          link,
          [this, after = *effects.load_suppressions_after] {
            return store_->SuppressionChanges(after, NodeSession::kSuppressionsMax);
          },
          &NodeSession::OnSuppressions);
    }
    if (effects.load_keys.has_value()) {
      AskStore(
          link, [this, name = *effects.load_keys] { return LoadKeys(name); }, &NodeSession::OnKeys);
    }
    if (link->session->CanRead()) link->stream->Read();
  }

  // Asks the store on the reader's thread and tells the session the answer.
  template <class Question, class Answer>
  void AskStore(const LinkPtr& link, Question question, NodeSession::Effects (NodeSession::*tell)(Answer)) {
    reader_.Post([this, link, question = std::move(question), tell] {
      auto answer = std::make_shared<absl::StatusOr<Answer>>(question());
      owner_.Post([this, link, answer, tell] {
        if (link->ended) return;
        if (!answer->ok()) return End(link, Unavailable(answer->status()));
        Run(link, (link->session.get()->*tell)(*std::move(*answer)));
      });
    });
  }

  // On the reader's thread, as the next. One tenant's key that does not open is no reason to cut off all others.
  absl::StatusOr<std::optional<cluster::v1::KeySet>> LoadKeys(const KeySetName& name) {
    absl::StatusOr<cluster::v1::KeySet> keys = loader_.Keys(name.tenant, name.domain);
    if (keys.ok()) return std::optional<cluster::v1::KeySet>(*std::move(keys));
    LogWarning("keys_unreadable",
               {{"tenant", name.tenant}, {"domain", name.domain}, {"error", std::string(keys.status().message())}});
    return std::optional<cluster::v1::KeySet>();
  }

  absl::StatusOr<std::optional<LoadedBatch>> LoadBatch(const std::string& node, int64_t sequence) {
    const auto pending = store_->GetPendingBatch(node, sequence);
    if (absl::IsNotFound(pending.status())) return std::optional<LoadedBatch>();
    RETURN_IF_ERROR(pending.status());
    ASSIGN_OR_RETURN(LoadedBatch loaded, loader_.Load(*pending, clock_->Now()));
    return std::optional<LoadedBatch>(std::move(loaded));
  }

  std::function<bool(const std::string&)> AttachedNow() const {
    return [this](const std::string& node) {
      const auto found = nodes_.find(node);
      return found != nodes_.end() && found->second->session != nullptr;
    };
  }

  void Deliver(QuestionBook::Outgoing questions) {
    for (auto& [node, question] : questions) {
      const auto found = nodes_.find(node);
      if (found == nodes_.end() || found->second->session == nullptr) continue;
      const LinkPtr link = found->second;
      Run(link, link->session->OnQuestion(std::move(question)));
    }
  }

  // The node dials again, whatever the store's trouble was.
  static absl::Status Unavailable(const absl::Status& status) {
    return ApiError(absl::StatusCode::kUnavailable, "STORE",
                    absl::StrCat("the coordinator's store: ", status.ToString()));
  }

  void End(const LinkPtr& link, const absl::Status& status) {
    if (link->ended) return;
    link->ended = true;
    link->since = clock_->Now();
    link->stream->Close(status);
    const std::string& node = link->hello.node_id();
    const auto found = nodes_.find(node);
    if (found == nodes_.end() || found->second != link) return;
    nodes_.erase(found);
    questions_.OnNodeGone(node);
    registry_->Detach(node);
    LogInfo("node_detached", {{"node", node}, {"status", std::string(status.ToString())}});
    if (link->session != nullptr)
      NodeEvent(node, absl::StrCat("went away: ", status.ok() ? "stopped" : status.message()));
  }

  void NodeEvent(const std::string& node, const std::string& text) {
    reader_.Post([this, text = absl::StrCat("node '", node, "' ", text)] {
      v1::Event event;
      event.set_kind(v1::Event::NODE_CHANGED);
      event.set_text(text);
      const absl::Status appended = store_->AppendEvent(std::move(event));
      if (!appended.ok()) LogWarning("event_lost", {{"text", text}, {"error", std::string(appended.message())}});
    });
  }

  void Register(const Link& link) {
    registry_->Set(link.hello.node_id(), {.attached = true,
                                          .last_seen = clock_->Now(),
                                          .version = link.hello.version(),
                                          .status = link.session->status()});
  }

  std::vector<LinkPtr> Sessions() const {
    std::vector<LinkPtr> out;
    for (const auto& [id, link] : nodes_) {
      if (link->session != nullptr) out.push_back(link);
    }
    return out;
  }

  void StoreChanged() {
    const int64_t last_order = store_->LastOrder();
    const int64_t keys = store_->KeysGeneration();
    for (const LinkPtr& link : Sessions()) Run(link, link->session->OnStoreChange(last_order, keys));
    ReadLogTail();
  }

  // One reading of the suppression log for all sessions that have everything but what is new.
  void ReadLogTail() {
    if (tail_loading_) {
      tail_again_ = true;
      return;
    }
    std::optional<int64_t> after;
    for (const LinkPtr& link : Sessions()) {
      const std::optional<int64_t> follows = link->session->follow_after();
      if (follows.has_value()) after = std::min(after.value_or(*follows), *follows);
    }
    if (!after.has_value()) return;
    tail_loading_ = true;
    reader_.Post([this, after = *after] {
      auto changes = std::make_shared<absl::StatusOr<std::vector<SuppressionChange>>>(
          store_->SuppressionChanges(after, NodeSession::kSuppressionsMax));
      owner_.Post([this, changes] {
        tail_loading_ = false;
        if (!changes->ok()) {
          LogWarning("suppression_log_unreadable", {{"error", std::string(changes->status().message())}});
        } else if (!(*changes)->empty()) {
          const bool complete = (*changes)->size() < NodeSession::kSuppressionsMax;
          for (const LinkPtr& link : Sessions()) Run(link, link->session->OnNewSuppressions(**changes, complete));
        }
        if (std::exchange(tail_again_, false)) ReadLogTail();
      });
    });
  }

  void Tick() {
    const absl::Time now = clock_->Now();
    for (const LinkPtr& link : Sessions()) Run(link, link->session->OnTick(now));
    Deliver(questions_.OnTick(now));
    const auto all = streams_;
    for (const LinkPtr& link : all) {
      if (link->ended && now - link->since > kCloseWithin) link->stream->Cancel();
      if (!link->ended && link->hello.node_id().empty() && now - link->since > kHelloWithin) {
        End(link, ApiError(absl::StatusCode::kDeadlineExceeded, "NO_HELLO", "no hello came"));
      }
    }
    owner_.After(kTick, [this] { Tick(); });
  }

  Store* const store_;
  NodeRegistry* const registry_;
  const Clock* const clock_;
  const Options options_;
  BatchLoader loader_;  // the reader's
  const absl::Time started_;
  std::atomic<int64_t> last_trace_ = 0;

  // The owner's.
  std::set<LinkPtr> streams_;                          // all that are not done
  std::map<std::string, LinkPtr, std::less<>> nodes_;  // the newest stream of each node, from its hello to its end
  QuestionBook questions_;
  bool stopping_ = false;
  bool tail_loading_ = false;
  bool tail_again_ = false;

  EventThread owner_;
  EventThread reader_;
  ChangeWakeup wakeup_;
};

DispatchServer::DispatchServer(Store* store, NodeRegistry* nodes, const Clock* clock, Options options)
    : impl_(std::make_unique<Impl>(store, nodes, clock, std::move(options))) {}

DispatchServer::~DispatchServer() = default;

grpc::Service* DispatchServer::service() {
  return impl_.get();
}

NodeAsker* DispatchServer::asker() {
  return impl_.get();
}

void DispatchServer::OnStoreChange() {
  impl_->OnStoreChange();
}

void DispatchServer::Shutdown() {
  impl_->Shutdown();
}

void DispatchServer::StopReading() {
  impl_->StopReading();
}

}  // namespace wavepost
