// What the tests of the queue share: a folder, batches, and calls that wait.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/seal/seal.h"
#include "common/storage/testing/power_cut_env.h"
#include "sender/queue/queue_store.h"

namespace wavepost {

inline const LaneKey kLane = {.egress_ip = "127.0.0.11", .domain = "example.org", .wave = 1};
inline constexpr char kTenant[] = "tenants/acme";
inline constexpr char kContentId[] = "0123456789abcdef0123456789abcdef";

class QueueFixture : public ::testing::Test {
 protected:
  QueueFixture();
  ~QueueFixture() override;

  // (Re)opens the folder at now_ on disk_.
  absl::Status TryOpen();
  void Open();
  void Close() { store_.reset(); }
  // Ends the store as a power cut does, and opens the folder again. seed: see PowerCutEnv.
  void CutPowerAndReopen(uint64_t seed = 1);

  // "a@example.org" has the wave's index 0 and so on. One batch, one lane per address's domain.
  static cluster::v1::Batch MakeBatch(std::string batch_id, uint32_t wave, const std::vector<std::string>& addresses,
                                      std::string egress_ip = kLane.egress_ip);
  static cluster::v1::Report MakeReport(RecipientId id, v1::Outcome outcome);
  static cluster::v1::SuppressionChange MakeSuppression(int64_t sequence, std::string address,
                                                        std::string tenant = kTenant);

  absl::Status Await(const std::function<void(QueueStore::Done)>& call);
  absl::Status Add(cluster::v1::Batch batch);
  absl::Status PutTenantContent();
  absl::Status Mark(const QueueItem& item);
  absl::Status Finish(const QueueItem& item, v1::Outcome outcome = v1::DELIVERED);
  absl::Status Defer(const QueueItem& item, int64_t due_ms);
  absl::Status Suppress(std::vector<cluster::v1::SuppressionChange> changes);

  // Of all waves and kinds of that egress IP and domain, by due time.
  std::vector<QueueItem> Items(const LaneKey& domain = kLane) const;
  std::vector<LaneKey> Lanes() const;
  std::vector<cluster::v1::Report> Outbox() const;
  // Entries in all lanes, counted one by one.
  int64_t CountEntries() const;

  const Sealer sealer_ = Sealer::ForTest();
  QueueStore::Options options_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  PowerCutEnv disk_;
  std::unique_ptr<QueueStore> store_;
};

}  // namespace wavepost
