// For tests of the store: a folder of its own, a clock that stands still, seeded batch ids, and short forms of what a
// campaign needs.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "coordinator/store/rocks_store.h"
#include "coordinator/store/store.h"

namespace wavepost {

inline constexpr char kTenant[] = "tenants/acme";
inline constexpr char kCampaign[] = "tenants/acme/campaigns/survey";
inline constexpr char kWave[] = "tenants/acme/campaigns/survey/waves/main";
inline constexpr uint32_t kWaveNumber = 1;  // of the first wave of a store

// Recipients "user{first}@example.com" ..., positions first + 1 ...
std::vector<NewRecipient> Rows(int first, int count);

cluster::v1::Report Outcome(int64_t sequence, uint32_t index, v1::Outcome outcome);
cluster::v1::Report HardBounce(int64_t sequence, uint32_t index);
cluster::v1::Report Deferral(int64_t sequence, uint32_t index);
cluster::v1::BounceReport Returned(int64_t sequence, uint32_t index, v1::BounceClass bounce_class);

// Blocking forms of the callback methods.
absl::Status Apply(Store* store, std::vector<cluster::v1::Report> reports, std::string_view node = "sender-0");
absl::Status ApplyBounces(Store* store, std::vector<cluster::v1::BounceReport> reports);
absl::Status Acknowledge(Store* store, std::string_view node, std::string_view batch_id);

// Tenant, campaign and an empty wave. All with request ids, so that it may be repeated.
absl::Status MakeDraft(Store* store);
// Plans all that is unplanned: recipients go to sender-0 and sender-1 in turn, in pages of `page`.
absl::Status PlanAll(Store* store, uint32_t wave = kWaveNumber, size_t page = 1000);

class StoreTest : public ::testing::Test {
 protected:
  StoreTest();
  ~StoreTest() override;

  absl::StatusOr<std::unique_ptr<Store>> TryOpen(rocksdb::Env* env = nullptr);
  // Opens the folder (anew); the test fails if that fails.
  void Open();
  // A wave of `count` recipients; started and planned. Batches stay pending.
  void Running(int count);

  v1::WaveCounts Counts();
  v1::Recipient At(uint32_t index);
  // Fails the test unless the audit balances.
  void ExpectBalanced();
  std::vector<v1::Event> EventsOf(v1::Event::Kind kind);

  const std::string path_;
  ManualClock clock_;
  std::mt19937_64 random_{7};
  std::unique_ptr<Store> store_;
};

}  // namespace wavepost
