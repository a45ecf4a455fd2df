// What the tests of a node's session share: messages, and effects as words.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "coordinator/dispatch/node_session.h"

namespace wavepost {

using cluster::v1::CoordinatorMessage;
using cluster::v1::Hello;
using cluster::v1::NodeMessage;
using cluster::v1::StoredNode;
using cluster::v1::SuppressionChange;
using testing::ElementsAre;
using testing::HasSubstr;

inline const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

inline Hello HelloWith(int64_t credit) {
  Hello hello;
  hello.set_node_id("sender-0");
  hello.add_egress_ips()->set_address("192.0.2.1");
  hello.mutable_status()->set_credit(credit);
  hello.mutable_status()->set_queued(1);
  return hello;
}

inline StoredNode Node() {
  StoredNode node;
  node.set_epoch(7);
  return node;
}

inline PendingHead Pending(const std::string& id, int64_t sequence, int64_t recipients) {
  return {.batch_id = id, .sequence = sequence, .wave = 1, .recipients = recipients, .tenant = "tenants/a"};
}

inline cluster::v1::KeySet KeysOf(const std::string& domain, const std::string& version) {
  cluster::v1::KeySet keys;
  keys.set_domain(domain);
  keys.set_version(version);
  return keys;
}

inline LoadedBatch Loaded(const std::string& id, int recipients, const std::string& content = "content-1") {
  LoadedBatch loaded;
  loaded.batch.set_batch_id(id);
  loaded.batch.set_content_id(content);
  for (int i = 0; i < recipients; ++i) loaded.batch.add_recipients()->set_recipient_id(static_cast<uint64_t>(i));
  auto made = std::make_shared<cluster::v1::Content>();
  made->set_content_id(content);
  loaded.content = made;
  loaded.keys = std::make_shared<const cluster::v1::KeySet>(KeysOf("example.com", "1"));
  return loaded;
}

inline SuppressionChange Change(int64_t sequence) {
  SuppressionChange change;
  change.set_sequence(sequence);
  return change;
}

inline NodeMessage AckOf(const std::string& id) {
  NodeMessage message;
  message.mutable_batch_ack()->set_batch_id(id);
  return message;
}

inline NodeMessage StatusOf(int64_t credit, int64_t queued = 1) {
  NodeMessage message;
  message.mutable_status()->set_credit(credit);
  message.mutable_status()->set_queued(queued);
  return message;
}

// What was done, a word per effect.
inline std::vector<std::string> Words(const NodeSession::Effects& effects) {
  std::vector<std::string> out;
  for (const CoordinatorMessage& message : effects.send) {
    switch (message.message_case()) {
      case CoordinatorMessage::kWelcome:
        out.push_back(absl::StrCat("welcome ", message.welcome().outstanding_batch_ids_size()));
        break;
      case CoordinatorMessage::kBatch:
        out.push_back(absl::StrCat("batch ", message.batch().batch_id()));
        break;
      case CoordinatorMessage::kContent:
        out.push_back(absl::StrCat("content ", message.content().content_id()));
        break;
      case CoordinatorMessage::kKeySet:
        out.push_back(absl::StrCat("keys ", message.key_set().domain(), " ", message.key_set().version()));
        break;
      case CoordinatorMessage::kSuppressions:
        out.push_back(absl::StrCat("suppressions ", message.suppressions().changes_size()));
        break;
      case CoordinatorMessage::kOrders:
        out.push_back(absl::StrCat("orders ", message.orders().orders_size()));
        break;
      case CoordinatorMessage::kQuestion:
        out.push_back(absl::StrCat("question ", message.question().id()));
        break;
      case CoordinatorMessage::kReportAck:
        out.push_back(absl::StrCat("report_ack ", message.report_ack().through_sequence()));
        break;
      case CoordinatorMessage::kBatchForget:
        out.push_back(absl::StrCat("forget ", message.batch_forget().batch_ids_size()));
        break;
      case CoordinatorMessage::kLeaseRenewal:
        out.push_back("lease");
        break;
      default:
        out.push_back("?");
    }
  }
  for (const std::string& id : effects.acknowledge) out.push_back(absl::StrCat("acknowledge ", id));
  for (const auto& reports : effects.apply) out.push_back(absl::StrCat("apply ", reports.size()));
  if (effects.load_keys.has_value()) out.push_back(absl::StrCat("keys? ", effects.load_keys->domain));
  if (effects.load_heads_after.has_value()) out.push_back(absl::StrCat("heads>", *effects.load_heads_after));
  if (effects.load_batch.has_value()) out.push_back(absl::StrCat("read ", effects.load_batch->batch_id));
  if (effects.load_suppressions_after.has_value())
    out.push_back(absl::StrCat("log>", *effects.load_suppressions_after));
  if (effects.load_orders_after.has_value()) out.push_back(absl::StrCat("orders>", *effects.load_orders_after));
  if (effects.orders_acknowledged.has_value()) out.push_back(absl::StrCat("ordered ", *effects.orders_acknowledged));
  for (const cluster::v1::Answer& answer : effects.answers) out.push_back(absl::StrCat("answer ", answer.id()));
  if (!effects.close.ok()) out.push_back(absl::StrCat("close ", ReasonOf(effects.close)));
  return out;
}

class NodeSessionTest : public testing::Test {
 protected:
  // A session that has everything and waits, with room in its queue.
  void Settle(int64_t credit) {
    session_ = std::make_unique<NodeSession>(NodeSession::Options{}, HelloWith(credit), Node(), kStart);
    session_->Start({}, 0);
    session_->OnSuppressions({});
    session_->OnOrders({});
    Drain();
  }

  void Drain(int messages = 1) {
    for (int i = 0; i < messages; ++i) session_->OnWritten();
  }

  std::vector<std::string> Do(NodeSession::Effects effects) { return Words(effects); }

  std::unique_ptr<NodeSession> session_;
};

}  // namespace wavepost
