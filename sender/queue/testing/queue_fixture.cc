#include "sender/queue/testing/queue_fixture.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "sender/queue/rocks_queue_store.h"

namespace wavepost {

constexpr absl::Duration kRecoveryDelay = absl::Minutes(15);

QueueFixture::QueueFixture() {
  static std::atomic<int> count = 0;
  options_.data_dir = absl::StrCat(testing::TempDir(), "wavepost_queue_", ::getpid(), "_", ++count);
  std::filesystem::remove_all(options_.data_dir);
  options_.sealer = &sealer_;
}

QueueFixture::~QueueFixture() {
  store_.reset();
  std::filesystem::remove_all(options_.data_dir);
}

absl::Status QueueFixture::TryOpen() {
  store_.reset();
  absl::StatusOr<std::unique_ptr<QueueStore>> store =
      RocksQueueStore::Open(options_, now_, kRecoveryDelay, disk_.env());
  if (store.ok()) store_ = *std::move(store);
  return store.status();
}

void QueueFixture::Open() {
  const absl::Status status = TryOpen();
  ASSERT_TRUE(status.ok()) << status;
}

void QueueFixture::CutPowerAndReopen(uint64_t seed) {
  if (!disk_.power_is_cut()) disk_.CutPowerAt(1);
  store_.reset();
  const absl::Status status = disk_.PowerCycle(seed);
  ASSERT_TRUE(status.ok()) << status;
  Open();
}

cluster::v1::Batch QueueFixture::MakeBatch(std::string batch_id, uint32_t wave,
                                           const std::vector<std::string>& addresses, std::string egress_ip) {
  cluster::v1::Batch batch;
  batch.set_batch_id(std::move(batch_id));
  batch.set_content_id(kContentId);
  uint32_t index = 0;
  for (const std::string& address : addresses) {
    cluster::v1::BatchRecipient* recipient = batch.add_recipients();
    recipient->set_recipient_id(RecipientId{wave, index++}.packed());
    recipient->set_address(address);
    recipient->add_values("Jane");
    recipient->set_return_path("b+token@bounce.example");
    recipient->set_egress_ip(egress_ip);
  }
  return batch;
}

cluster::v1::Report QueueFixture::MakeReport(RecipientId id, v1::Outcome outcome) {
  cluster::v1::Report report;
  report.set_recipient_id(id.packed());
  report.set_outcome(outcome);
  report.mutable_status()->set_code(outcome == v1::DELIVERED ? 250 : 451);
  report.set_attempts(1);
  return report;
}

cluster::v1::SuppressionChange QueueFixture::MakeSuppression(int64_t sequence, std::string address,
                                                             std::string tenant) {
  cluster::v1::SuppressionChange change;
  change.set_sequence(sequence);
  change.set_tenant(std::move(tenant));
  change.set_address(std::move(address));
  return change;
}

absl::Status QueueFixture::Await(const std::function<void(QueueStore::Done)>& call) {
  auto result = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> future = result->get_future();
  call([result](absl::Status status) { result->set_value(std::move(status)); });
  return future.get();
}

absl::Status QueueFixture::Add(cluster::v1::Batch batch) {
  return Await([&](QueueStore::Done done) { store_->AddBatch(std::move(batch), now_, nullptr, std::move(done)); });
}

absl::Status QueueFixture::PutTenantContent() {
  cluster::v1::Content content;
  content.set_content_id(kContentId);
  content.set_tenant(kTenant);
  return Await([&](QueueStore::Done done) { store_->PutContent(content, std::move(done)); });
}

absl::Status QueueFixture::Mark(const QueueItem& item) {
  cluster::v1::InFlight mark;
  mark.set_start_ms(absl::ToUnixMillis(now_));
  mark.set_mx_host("mx.example.org");
  return Await([&](QueueStore::Done done) { store_->MarkInFlight(item, mark, std::move(done)); });
}

absl::Status QueueFixture::Finish(const QueueItem& item, v1::Outcome outcome) {
  return Await([&](QueueStore::Done done) { store_->Finish(item, MakeReport(item.id, outcome), std::move(done)); });
}

absl::Status QueueFixture::Defer(const QueueItem& item, int64_t due_ms) {
  cluster::v1::QueueEntry entry = item.entry;
  entry.set_attempts(entry.attempts() + 1);
  return Await([&](QueueStore::Done done) {
    store_->Defer(item, entry, due_ms, MakeReport(item.id, v1::OUTCOME_UNSPECIFIED), std::move(done));
  });
}

absl::Status QueueFixture::Suppress(std::vector<cluster::v1::SuppressionChange> changes) {
  return Await([&](QueueStore::Done done) { store_->ApplySuppressions(std::move(changes), now_, std::move(done)); });
}

std::vector<QueueItem> QueueFixture::Items(const LaneKey& domain) const {
  std::vector<QueueItem> items;
  for (const LaneKey& lane : Lanes()) {
    if (lane.egress_ip != domain.egress_ip || lane.domain != domain.domain) continue;
    QueueStore::LanePage page = store_->ReadLane(lane, nullptr, INT64_MAX, 1'000'000).value();
    for (QueueItem& item : page.items) items.push_back(std::move(item));
  }
  std::sort(items.begin(), items.end(), [](const QueueItem& a, const QueueItem& b) {
    return std::pair(a.due_ms, a.id.packed()) < std::pair(b.due_ms, b.id.packed());
  });
  return items;
}

std::vector<LaneKey> QueueFixture::Lanes() const {
  std::vector<LaneKey> lanes;
  for (;;) {  // in small pages, so that every test reads across their borders
    const auto page = store_->ReadLanes(lanes.empty() ? nullptr : &lanes.back(), 2);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return lanes;
    for (const LaneDue& due : *page) lanes.push_back(due.lane);
    if (page->size() < 2) return lanes;
  }
}

std::vector<cluster::v1::Report> QueueFixture::Outbox() const {
  return store_->ReadOutbox(0, 1'000'000).value();
}

int64_t QueueFixture::CountEntries() const {
  int64_t count = 0;
  for (const LaneKey& lane : Lanes()) {
    count += static_cast<int64_t>(store_->ReadLane(lane, nullptr, INT64_MAX, 1'000'000).value().items.size());
  }
  return count;
}

}  // namespace wavepost
