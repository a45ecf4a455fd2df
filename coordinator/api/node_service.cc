// NodeService: the senders, as the coordinator sees them. For operators.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/call.h"
#include "coordinator/api/request.h"
#include "coordinator/api/services.h"
#include "coordinator/dispatch/node_registry.h"
#include "coordinator/names/resource_names.h"
#include "wavepost/v1/nodes_service.grpc.pb.h"

namespace wavepost {
namespace {

class NodeService final : public v1::NodeService::CallbackService {
 public:
  explicit NodeService(const ApiContext* api) : api_(api) {}

  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context, const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override {
    return Call(api_, context, response, [this, request](const Caller& caller) { return List(caller, *request); });
  }

 private:
  absl::StatusOr<v1::ListNodesResponse> List(const Caller& caller, const v1::ListNodesRequest& request) {
    RETURN_IF_ERROR(RequireOperator(caller));
    ASSIGN_OR_RETURN(const int size, CheckedPageSize(request.page_size()));
    ASSIGN_OR_RETURN(const std::string cursor, PageCursor("nodes", request.page_token()));
    ASSIGN_OR_RETURN(auto nodes, api_->store->ListNodes());
    std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.node_id() < b.node_id(); });
    v1::ListNodesResponse out;
    for (auto& node : nodes) {
      if (node.node_id() <= cursor) continue;
      if (out.nodes_size() == size) {
        out.set_next_page_token(PageToken("nodes", out.nodes(size - 1).name().substr(NodeName("").size())));
        break;
      }
      ASSIGN_OR_RETURN(v1::Node view, View(std::move(node)));
      *out.add_nodes() = std::move(view);
    }
    return out;
  }

  absl::StatusOr<v1::Node> View(cluster::v1::StoredNode stored) {
    v1::Node node;
    node.set_name(NodeName(stored.node_id()));
    node.mutable_egress_ips()->Swap(stored.mutable_egress_ips());
    node.set_epoch(stored.epoch());
    ASSIGN_OR_RETURN(const int64_t backlog, api_->store->Backlog(stored.node_id()));
    node.set_backlog(backlog);
    const std::optional<NodeView> seen = api_->nodes->Get(stored.node_id());
    if (!seen.has_value()) return node;
    node.set_attached(seen->attached);
    node.mutable_last_seen_time()->set_seconds(absl::ToUnixSeconds(seen->last_seen));
    node.mutable_last_seen_time()->set_nanos(static_cast<int32_t>(
        (seen->last_seen - absl::FromUnixSeconds(absl::ToUnixSeconds(seen->last_seen))) / absl::Nanoseconds(1)));
    node.set_queued(seen->status.queued());
    node.set_credit(seen->status.credit());
    node.set_connections(seen->status.connections());
    node.set_version(seen->version);
    return node;
  }

  const ApiContext* const api_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeNodeService(const ApiContext* api) {
  return std::make_unique<NodeService>(api);
}

}  // namespace wavepost
