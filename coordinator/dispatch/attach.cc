#include "coordinator/dispatch/attach.h"

#include "common/base/status_macros.h"
#include "coordinator/dispatch/node_identity.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

constexpr size_t kOutstandingPage = 1000;

}  // namespace

absl::StatusOr<AttachResult> AttachIn(Store* store, const cluster::v1::Hello& hello, absl::Time last_heard,
                                      absl::Time now, const NodeSession::Options& sessions) {
  AttachResult out;
  const auto former = store->GetNode(hello.node_id());
  if (former.ok()) {
    RETURN_IF_ERROR(CheckIdentity(hello.node_id(), hello.data_id(),
                                  {.data_id = former->data_id(), .last_heard = last_heard}, now, sessions.lease,
                                  sessions.silence_max));
  } else if (!absl::IsNotFound(former.status())) {
    return former.status();
  }
  ASSIGN_OR_RETURN(out.node, store->AttachNode({.node_id = hello.node_id(),
                                                .egress_ips = {hello.egress_ips().begin(), hello.egress_ips().end()},
                                                .data_id = hello.data_id(),
                                                .order_cursor = hello.order_cursor()}));
  int64_t after = 0;
  while (true) {
    ASSIGN_OR_RETURN(const auto page, store->PendingBatches(hello.node_id(), after, kOutstandingPage));
    for (const auto& batch : page) out.outstanding.push_back(batch.batch_id());
    if (page.size() < kOutstandingPage) return out;
    after = page.back().sequence();
  }
}

}  // namespace wavepost
