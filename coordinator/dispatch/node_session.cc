#include "coordinator/dispatch/node_session.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/rpc/status.h"
#include "coordinator/names/resource_names.h"

namespace wavepost {
namespace {

using cluster::v1::CoordinatorMessage;
using cluster::v1::SuppressionChange;

constexpr int kEgressIpsMax = 1000;
constexpr size_t kAddressBytesMax = 64;
constexpr size_t kEhloBytesMax = 255;
constexpr double kWeightMax = 1e6;
constexpr size_t kDataIdBytes = 16;
constexpr int kWarmUpDaysMax = 365;
constexpr size_t kSuspendedBytesMax = 500;
constexpr size_t kVersionBytesMax = 64;
constexpr size_t kRememberedMax = 10'000;  // contents sent; beyond, they are sent again

void SetDuration(absl::Duration from, google::protobuf::Duration* to) {
  to->set_seconds(absl::ToInt64Seconds(from));
  to->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(from - absl::Seconds(absl::ToInt64Seconds(from)))));
}

absl::Status Misuse(std::string_view reason, std::string_view message) {
  return ApiError(absl::StatusCode::kInvalidArgument, reason, message);
}

void CheckWarmUp(const v1::WarmUp& warm_up, const std::string& path, std::vector<FieldViolation>* bad) {
  const auto& caps = warm_up.daily_caps();
  if (caps.empty() || caps.size() > kWarmUpDaysMax || caps[0] < 1 || !std::is_sorted(caps.begin(), caps.end())) {
    bad->push_back({path + ".warm_up.daily_caps",
                    absl::StrCat("must be 1 to ", kWarmUpDaysMax, " ascending numbers, the first at least 1")});
  }
  if (!warm_up.has_start_time()) bad->push_back({path + ".warm_up.start_time", "is required"});
}

}  // namespace

absl::Status CheckHello(cluster::v1::Hello* hello) {
  std::vector<FieldViolation> bad;
  if (!IsResourceId(hello->node_id())) bad.push_back({"hello.node_id", std::string(kResourceIdRule)});
  if (hello->egress_ips().empty() || hello->egress_ips_size() > kEgressIpsMax) {
    bad.push_back({"hello.egress_ips", absl::StrCat("must be 1 to ", kEgressIpsMax, " addresses")});
  }
  if (hello->version().size() > kVersionBytesMax) bad.push_back({"hello.version", "is too long"});
  if (hello->suppression_cursor() < 0) bad.push_back({"hello.suppression_cursor", "must not be negative"});
  if (hello->order_cursor() < 0) bad.push_back({"hello.order_cursor", "must not be negative"});
  if (!hello->data_id().empty() && hello->data_id().size() != kDataIdBytes) {
    bad.push_back({"hello.data_id", absl::StrCat("must be ", kDataIdBytes, " bytes")});
  }
  std::set<std::string_view> seen;
  for (int i = 0; i < hello->egress_ips_size() && bad.empty(); ++i) {
    v1::EgressIp& ip = *hello->mutable_egress_ips(i);
    const std::string path = absl::StrCat("hello.egress_ips[", i, "]");
    if (ip.pool().empty()) ip.set_pool("default");
    if (ip.weight() == 0) ip.set_weight(1);
    if (ip.address().empty() || ip.address().size() > kAddressBytesMax || Printable(ip.address()) != ip.address()) {
      bad.push_back({path + ".address", "must be an address"});
    } else if (!seen.insert(ip.address()).second) {
      bad.push_back({path + ".address", absl::StrCat(ip.address(), " is there twice")});
    }
    if (!IsResourceId(ip.pool())) bad.push_back({path + ".pool", std::string(kResourceIdRule)});
    if (ip.ehlo_name().size() > kEhloBytesMax) bad.push_back({path + ".ehlo_name", "is too long"});
    ip.set_suspended(Printable(ip.suspended(), kSuspendedBytesMax));
    if (ip.has_warm_up()) CheckWarmUp(ip.warm_up(), path, &bad);
    if (!std::isfinite(ip.weight()) || ip.weight() < 0 || ip.weight() > kWeightMax) {
      bad.push_back({path + ".weight", absl::StrCat("must be from 0 to ", kWeightMax)});
    }
  }
  return bad.empty() ? absl::OkStatus() : BadFields("BAD_HELLO", bad);
}

NodeSession::NodeSession(const Options& options, const cluster::v1::Hello& hello, const cluster::v1::StoredNode& node,
                         absl::Time now)
    : options_(options),
      heard_(now),
      renewed_(now),
      epoch_(node.epoch()),
      keys_(hello),
      suppression_cursor_(hello.suppression_cursor()),
      order_cursor_(hello.order_cursor()),
      report_ack_(node.report_sequence()),
      report_ack_due_(node.report_sequence() > 0) {
  OnStatus(hello.status());
}

NodeSession::Effects NodeSession::Start(const std::vector<std::string>& outstanding_batch_ids,
                                        int64_t keys_generation) {
  Effects effects;
  keys_.OnGeneration(keys_generation);
  CoordinatorMessage message;
  auto& welcome = *message.mutable_welcome();
  welcome.set_epoch(epoch_);
  SetDuration(options_.lease, welcome.mutable_lease());
  for (const std::string& id : outstanding_batch_ids) welcome.add_outstanding_batch_ids(id);
  Send(std::move(message), &effects);
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnMessage(cluster::v1::NodeMessage message, absl::Time now) {
  Effects effects;
  heard_ = now;
  switch (message.message_case()) {
    case cluster::v1::NodeMessage::kBatchAck:
      OnAck(message.batch_ack().batch_id(), &effects);
      break;
    case cluster::v1::NodeMessage::kReports: {
      auto& reports = *message.mutable_reports()->mutable_reports();
      if (reports.empty()) break;
      if (static_cast<size_t>(reports.size()) > kReportsMax) {
        effects.close = Misuse("TOO_MANY_REPORTS", absl::StrCat("at most ", kReportsMax, " reports go in one message"));
        return effects;
      }
      ++pending_;
      effects.apply.emplace_back(std::make_move_iterator(reports.begin()), std::make_move_iterator(reports.end()));
      break;
    }
    case cluster::v1::NodeMessage::kStatus:
      OnStatus(message.status());
      break;
    case cluster::v1::NodeMessage::kOrderAck:
      ++pending_;
      effects.orders_acknowledged = std::min(message.order_ack().through_sequence(), order_cursor_);
      break;
    case cluster::v1::NodeMessage::kAnswer:
      effects.answers.push_back(std::move(*message.mutable_answer()));
      break;
    case cluster::v1::NodeMessage::kSuppressionAck:
      break;  // the node keeps its place itself and says it in the next hello
    case cluster::v1::NodeMessage::kHello:
      effects.close = Misuse("SECOND_HELLO", "a stream has one hello; open a new stream");
      return effects;
    case cluster::v1::NodeMessage::MESSAGE_NOT_SET:
      break;  // of a newer version
  }
  Pump(&effects);
  return effects;
}

void NodeSession::OnAck(const std::string& batch_id, Effects* effects) {
  const auto sent = unacked_.find(batch_id);
  if (sent != unacked_.end()) {
    unacked_recipients_ -= sent->second;
    unacked_.erase(sent);
  }
  // It may be known already, from the stream before this one: then it must not go out again.
  heads_.Remove(batch_id);
  acked_.insert(batch_id);
  ++pending_;
  effects->acknowledge.push_back(batch_id);
}

void NodeSession::OnStatus(const cluster::v1::NodeStatus& status) {
  status_ = status;
  if (status.credit() >= kReserveFrom) {
    reserve_ = std::max(reserve_, std::min(kReserveMax, status.credit() / kReserveShare));
  }
  credit_ = std::max<int64_t>(status.credit(), 0) - unacked_recipients_;
}

NodeSession::Effects NodeSession::OnHeads(std::vector<PendingHead> heads) {
  Effects effects;
  heads_loading_ = false;
  heads_ended_ = heads.size() < kHeadsMax;
  if (!heads.empty()) heads_after_ = heads.back().sequence;
  for (PendingHead& head : heads) {
    if (!acked_.contains(head.batch_id)) heads_.Add(std::move(head));
  }
  for (const std::string& id : forgotten_heads_) acked_.erase(id);
  forgotten_heads_.clear();
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnBatch(std::optional<LoadedBatch> loaded) {
  Effects effects;
  PendingHead head = *std::move(loading_);
  loading_.reset();
  const bool acked = acked_.contains(head.batch_id);
  if (loading_forgotten_) acked_.erase(head.batch_id);
  loading_forgotten_ = false;
  if (acked || !loaded.has_value()) {  // while it was read
    Pump(&effects);
    return effects;
  }
  if (loaded->after_order > order_cursor_) {  // first the orders that do not concern it
    heads_.PutBack(std::move(head));
    orders_complete_ = false;
    Pump(&effects);
    return effects;
  }
  SendBatch(*std::move(loaded), &effects);
  Pump(&effects);
  return effects;
}

void NodeSession::SendBatch(LoadedBatch loaded, Effects* effects) {
  if (loaded.content != nullptr && !contents_sent_.contains(loaded.content->content_id())) {
    if (contents_sent_.size() >= kRememberedMax) contents_sent_.clear();
    contents_sent_.insert(loaded.content->content_id());
    CoordinatorMessage message;
    *message.mutable_content() = *loaded.content;
    Send(std::move(message), effects);
  }
  if (keys_.OnBatch(*loaded.keys, loaded.keys_generation)) SendKeys(*loaded.keys, effects);
  const int64_t recipients = loaded.batch.recipients_size();
  unacked_[loaded.batch.batch_id()] = recipients;
  unacked_recipients_ += recipients;
  credit_ -= recipients;
  CoordinatorMessage message;
  *message.mutable_batch() = std::move(loaded.batch);
  Send(std::move(message), effects);
}

void NodeSession::SendKeys(cluster::v1::KeySet keys, Effects* effects) {
  CoordinatorMessage message;
  *message.mutable_key_set() = std::move(keys);
  Send(std::move(message), effects);
}

NodeSession::Effects NodeSession::OnKeys(std::optional<cluster::v1::KeySet> keys) {
  Effects effects;
  if (!keys.has_value()) {
    keys_.OnUnreadable();
  } else if (keys_.OnChecked(*keys)) {
    SendKeys(*std::move(keys), &effects);
  }
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnOrders(std::vector<cluster::v1::Order> orders) {
  Effects effects;
  orders_loading_ = false;
  // For a node that had nothing, all that stands came at once.
  const bool came_all = order_cursor_ == 0 || orders.size() < kOrdersMax;
  if (!orders.empty()) order_cursor_ = orders.back().sequence();
  // Not if the log has grown since it was read.
  orders_complete_ = came_all && order_cursor_ >= last_order_;
  for (size_t from = 0; from < orders.size(); from += kOrdersMax) {
    CoordinatorMessage message;
    for (size_t i = from; i < std::min(orders.size(), from + kOrdersMax); ++i) {
      *message.mutable_orders()->add_orders() = std::move(orders[i]);
    }
    Send(std::move(message), &effects);
  }
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnOrdersAcknowledged() {
  Effects effects;
  --pending_;
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnQuestion(cluster::v1::Question question) {
  Effects effects;
  if (question.ask_case() == cluster::v1::Question::kStopTrace) {
    const size_t taken_back =
        std::erase_if(questions_, [&](const auto& waiting) { return waiting.id() == question.stop_trace(); });
    if (taken_back > 0) return effects;
  } else if (questions_.size() >= kQuestionsMax) {
    cluster::v1::Answer& answer = effects.answers.emplace_back();
    answer.set_id(question.id());
    answer.set_problem("the stream to the node is stalled");
    return effects;
  }
  questions_.push_back(std::move(question));
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnSuppressions(std::vector<SuppressionChange> changes) {
  Effects effects;
  suppressions_loading_ = false;
  suppressions_complete_ = changes.size() < kSuppressionsMax;
  PushSuppressions(std::move(changes), &effects);
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnNewSuppressions(const std::vector<SuppressionChange>& changes, bool complete) {
  Effects effects;
  if (!suppressions_complete_) return effects;  // it reads the log by itself and will come to these
  suppressions_complete_ = complete;
  if (!HasRoom()) {
    suppressions_complete_ = false;  // read again when the stream has taken something
  } else {
    std::vector<SuppressionChange> news;
    for (const SuppressionChange& change : changes) {
      if (change.sequence() > suppression_cursor_) news.push_back(change);
    }
    PushSuppressions(std::move(news), &effects);
  }
  Pump(&effects);
  return effects;
}

void NodeSession::PushSuppressions(std::vector<SuppressionChange> changes, Effects* effects) {
  if (changes.empty()) return;
  suppression_cursor_ = changes.back().sequence();
  CoordinatorMessage message;
  for (SuppressionChange& change : changes) *message.mutable_suppressions()->add_changes() = std::move(change);
  Send(std::move(message), effects);
}

NodeSession::Effects NodeSession::OnStoreChange(int64_t last_order, int64_t keys_generation) {
  Effects effects;
  keys_.OnGeneration(keys_generation);
  heads_stale_ = true;
  last_order_ = std::max(last_order_, last_order);
  if (last_order_ > order_cursor_) orders_complete_ = false;
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnForgotten(const std::string& batch_id) {
  Effects effects;
  --pending_;
  if (heads_loading_) {
    forgotten_heads_.push_back(batch_id);
  } else if (loading_.has_value() && loading_->batch_id == batch_id) {
    loading_forgotten_ = true;
  } else {
    acked_.erase(batch_id);
  }
  forget_.push_back(batch_id);
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnApplied(int64_t through_sequence) {
  Effects effects;
  --pending_;
  // Also what was known before: a node that repeats old reports waits for the word that they are stored.
  report_ack_ = through_sequence;
  report_ack_due_ = true;
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnWritten() {
  Effects effects;
  --queued_;
  queued_bytes_ -= queued_sizes_.front();
  queued_sizes_.pop_front();
  Pump(&effects);
  return effects;
}

NodeSession::Effects NodeSession::OnTick(absl::Time now) {
  Effects effects;
  if (now - heard_ >= options_.silence_max) {
    effects.close =
        ApiError(absl::StatusCode::kUnavailable, "SILENT",
                 absl::StrCat("nothing was heard from the node for ", absl::FormatDuration(options_.silence_max)));
    return effects;
  }
  if (now - renewed_ >= options_.renew_every) {
    renewed_ = now;
    lease_due_ = true;
  }
  Pump(&effects);
  return effects;
}

std::optional<int64_t> NodeSession::follow_after() const {
  if (!suppressions_complete_) return std::nullopt;
  return suppression_cursor_;
}

void NodeSession::Send(CoordinatorMessage message, Effects* effects) {
  ++queued_;
  queued_sizes_.push_back(message.ByteSizeLong());
  queued_bytes_ += queued_sizes_.back();
  effects->send.push_back(std::move(message));
}

// Small and urgent things first: acknowledgements free the node's disk, suppressions stop mail.
void NodeSession::Pump(Effects* effects) {
  if (lease_due_ && HasRoom()) {
    lease_due_ = false;
    CoordinatorMessage message;
    SetDuration(options_.lease, message.mutable_lease_renewal()->mutable_lease());
    Send(std::move(message), effects);
  }
  if (report_ack_due_ && HasRoom()) {
    report_ack_due_ = false;
    CoordinatorMessage message;
    message.mutable_report_ack()->set_through_sequence(report_ack_);
    Send(std::move(message), effects);
  }
  if (!forget_.empty() && HasRoom()) {
    CoordinatorMessage message;
    const size_t count = std::min(forget_.size(), kForgetMax);
    for (size_t i = 0; i < count; ++i) message.mutable_batch_forget()->add_batch_ids(std::move(forget_[i]));
    forget_.erase(forget_.begin(), forget_.begin() + static_cast<ptrdiff_t>(count));
    Send(std::move(message), effects);
  }
  if (!suppressions_complete_ && !suppressions_loading_ && HasRoom()) {
    suppressions_loading_ = true;
    effects->load_suppressions_after = suppression_cursor_;
  }
  if (!orders_complete_ && !orders_loading_ && HasRoom()) {
    orders_loading_ = true;
    effects->load_orders_after = order_cursor_;
  }
  if (HasRoom()) effects->load_keys = keys_.NextToCheck();
  while (!questions_.empty() && HasRoom()) {
    CoordinatorMessage message;
    *message.mutable_question() = std::move(questions_.front());
    questions_.pop_front();
    Send(std::move(message), effects);
  }
  PumpBatches(effects);
}

void NodeSession::PumpBatches(Effects* effects) {
  // All heads are wanted, not only the first ones: who goes first is not known before.
  if (credit_ > 0 && HasRoom() && !heads_loading_ && (!heads_ended_ || heads_stale_)) {
    heads_loading_ = true;
    heads_stale_ = false;
    effects->load_heads_after = heads_after_;
  }
  if (heads_.empty() || loading_.has_value() || !orders_complete_ || !HasRoom()) return;
  const PendingHead& next = *heads_.Front();
  // Bulk that goes before urgent mail has its turn now: kept from the reserve, it would hold up that mail for ever.
  const int64_t limit = next.urgent || heads_.has_urgent() ? credit_ : credit_ - reserve_;
  const bool holds_nothing = status_.queued() == 0 && unacked_.empty() && credit_ > 0;
  if (next.recipients > limit && !holds_nothing) return;
  loading_ = heads_.Pop();
  effects->load_batch = *loading_;
}

}  // namespace wavepost
