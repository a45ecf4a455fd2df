// What is known of nodes and bouncers.
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "common/base/status_macros.h"
#include "coordinator/store/rocks_store_impl.h"

namespace wavepost {

absl::StatusOr<cluster::v1::StoredNode> RocksStore::AttachNode(const NodeAttach& attach) {
  const std::string_view node_id = attach.node_id;
  const std::vector<v1::EgressIp>& egress_ips = attach.egress_ips;
  cluster::v1::StoredNode result;
  const absl::Status written = Write([&](Change& change) -> absl::Status {
    absl::flat_hash_set<std::string> taken;
    for (const v1::EgressIp& ip : egress_ips) taken.insert(ip.address());
    const std::string prefix = NameKey(NameKind::kNode, "");
    std::vector<std::string> others;
    RETURN_IF_ERROR(change.read().Scan(kNames, prefix, PrefixEnd(prefix), [&](std::string_view key, std::string_view) {
      if (key.substr(prefix.size()) != node_id) others.emplace_back(key.substr(prefix.size()));
      return true;
    }));
    for (const std::string& other : others) {
      ASSIGN_OR_RETURN(cluster::v1::StoredNode* const loser, change.Node(other));
      google::protobuf::RepeatedPtrField<v1::EgressIp> kept;
      for (v1::EgressIp& ip : *loser->mutable_egress_ips()) {
        if (!taken.contains(ip.address())) kept.Add(std::move(ip));
      }
      loser->mutable_egress_ips()->Swap(&kept);
    }
    ASSIGN_OR_RETURN(cluster::v1::StoredNode* const node, change.Node(node_id));
    node->mutable_egress_ips()->Assign(egress_ips.begin(), egress_ips.end());
    node->set_epoch(node->epoch() + 1);
    if (!attach.data_id.empty()) node->set_data_id(attach.data_id);
    node->set_order_sequence(attach.order_cursor);  // the node knows best: it may have lost its disk
    result = *node;
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(written);
  return result;
}

absl::StatusOr<cluster::v1::StoredNode> RocksStore::GetNode(std::string_view node_id) {
  auto stored = Durable().GetMessage<cluster::v1::StoredNode>(kNames, NameKey(NameKind::kNode, node_id));
  if (absl::IsNotFound(stored.status())) return NoSuch("node", node_id);
  return stored;
}

absl::StatusOr<std::vector<cluster::v1::StoredNode>> RocksStore::ListNodes() {
  std::vector<cluster::v1::StoredNode> nodes;
  absl::Status failed;
  const std::string prefix = NameKey(NameKind::kNode, "");
  RETURN_IF_ERROR(Durable().Scan(kNames, prefix, PrefixEnd(prefix), [&](std::string_view, std::string_view value) {
    auto node = Reader::ParseRecord<cluster::v1::StoredNode>(value);
    failed.Update(node.status());
    if (!node.ok()) return false;
    nodes.push_back(*std::move(node));
    return true;
  }));
  RETURN_IF_ERROR(failed);
  return nodes;
}

absl::StatusOr<cluster::v1::StoredBouncer> RocksStore::GetBouncer(std::string_view bouncer_id) {
  auto stored = Durable().GetMessage<cluster::v1::StoredBouncer>(kNames, NameKey(NameKind::kBouncer, bouncer_id));
  if (!absl::IsNotFound(stored.status())) return stored;
  // Its row comes with its first report; until then this is all there is to know.
  cluster::v1::StoredBouncer fresh;
  fresh.set_bouncer_id(std::string(bouncer_id));
  return fresh;
}

}  // namespace wavepost
