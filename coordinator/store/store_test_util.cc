#include "coordinator/store/store_test_util.h"

#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace wavepost {
namespace {

template <class Start>
absl::Status Await(Start start) {
  std::promise<absl::Status> done;
  start([&done](absl::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

uint64_t Packed(uint32_t index) {
  return RecipientId{kWaveNumber, index}.packed();
}

}  // namespace

std::vector<NewRecipient> Rows(int first, int count) {
  std::vector<NewRecipient> rows;
  for (int i = first; i < first + count; ++i) {
    NewRecipient& row = rows.emplace_back();
    row.position = i + 1;
    row.recipient.set_address(absl::StrCat("user", i, "@example.com"));
    row.recipient.add_values(absl::StrCat("Name", i));
  }
  return rows;
}

cluster::v1::Report Outcome(int64_t sequence, uint32_t index, v1::Outcome outcome) {
  cluster::v1::Report report;
  report.set_sequence(sequence);
  report.set_recipient_id(Packed(index));
  report.set_outcome(outcome);
  report.set_attempts(1);
  report.mutable_status()->set_code(outcome == v1::DELIVERED ? 250 : 550);
  report.mutable_status()->set_text("said the host");
  return report;
}

cluster::v1::Report HardBounce(int64_t sequence, uint32_t index) {
  cluster::v1::Report report = Outcome(sequence, index, v1::BOUNCED);
  report.mutable_status()->set_bounce_class(v1::HARD);
  report.mutable_status()->set_fault(v1::RECIPIENT);
  report.mutable_status()->set_text("no such user");
  return report;
}

cluster::v1::Report Deferral(int64_t sequence, uint32_t index) {
  cluster::v1::Report report = Outcome(sequence, index, v1::OUTCOME_UNSPECIFIED);
  report.mutable_status()->set_code(451);
  report.mutable_next_attempt_time()->set_seconds(300);
  return report;
}

cluster::v1::BounceReport Returned(int64_t sequence, uint32_t index, v1::BounceClass bounce_class) {
  cluster::v1::BounceReport report;
  report.set_sequence(sequence);
  report.set_recipient_id(Packed(index));
  report.set_bounce_class(bounce_class);
  report.mutable_status()->set_text("it came back");
  return report;
}

absl::Status Apply(Store* store, std::vector<cluster::v1::Report> reports, std::string_view node) {
  return Await([&](Store::Done done) { store->ApplyReports(node, std::move(reports), std::move(done)); });
}

absl::Status ApplyBounces(Store* store, std::vector<cluster::v1::BounceReport> reports) {
  return Await([&](Store::Done done) { store->ApplyBounceReports("bouncer-0", std::move(reports), std::move(done)); });
}

absl::Status Acknowledge(Store* store, std::string_view node, std::string_view batch_id) {
  return Await([&](Store::Done done) { store->AcknowledgeBatch(node, batch_id, std::move(done)); });
}

absl::Status MakeDraft(Store* store) {
  v1::Tenant tenant;
  tenant.set_name(kTenant);
  RETURN_IF_ERROR(store->CreateTenant(tenant, {"make-tenant", "t"}).status());
  cluster::v1::StoredCampaign campaign;
  campaign.mutable_campaign()->set_name(kCampaign);
  campaign.add_stored_columns("name");
  RETURN_IF_ERROR(store->CreateCampaign(campaign, {"make-campaign", "c"}).status());
  return store->CreateWave(kCampaign, kWave, {"make-wave", "w"}).status();
}

absl::Status PlanAll(Store* store, uint32_t wave, size_t page) {
  for (;;) {
    ASSIGN_OR_RETURN(const auto rows, store->ReadPlanPage(wave, page));
    if (rows.second.empty()) return absl::OkStatus();
    Plan plan{.wave = wave, .from_index = rows.first, .through_index = rows.second.back().id.index + 1};
    for (const PlanRow& row : rows.second) {
      if (row.suppressed) {
        plan.suppressed.push_back(row.id);
      } else {
        const bool even = row.id.index % 2 == 0;
        plan.assignments.push_back({row.id, even ? "sender-0" : "sender-1", even ? "127.0.0.11" : "127.0.0.12"});
      }
    }
    RETURN_IF_ERROR(store->RecordPlan(plan));
  }
}

StoreTest::StoreTest()
    : path_(absl::StrCat(testing::TempDir(), "wavepost_store_", ::getpid())), clock_(absl::FromUnixSeconds(1000000)) {
  std::filesystem::remove_all(path_);
}

StoreTest::~StoreTest() {
  store_.reset();
  std::filesystem::remove_all(path_);
}

absl::StatusOr<std::unique_ptr<Store>> StoreTest::TryOpen(rocksdb::Env* env) {
  return OpenRocksStore({.data_dir = path_,
                         .memory_bytes = 4 << 20,
                         .clock = &clock_,
                         .random =
                             [this](char* out, size_t size) {
                               for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(random_());
                             },
                         .own_domains = {"bounce.example"},
                         .env = env});
}

void StoreTest::Open() {
  store_.reset();
  auto store = TryOpen();
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
}

void StoreTest::Running(int count) {
  Open();
  ASSERT_TRUE(MakeDraft(store_.get()).ok());
  ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, count), {}, {}).ok());
  ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1}).ok());
  const absl::Status planned = PlanAll(store_.get());
  ASSERT_TRUE(planned.ok()) << planned;
}

v1::WaveCounts StoreTest::Counts() {
  const auto wave = store_->GetWave(kWave);
  EXPECT_TRUE(wave.ok()) << wave.status();
  return wave.ok() ? wave->wave().counts() : v1::WaveCounts();
}

v1::Recipient StoreTest::At(uint32_t index) {
  const auto recipient = store_->GetRecipient({kWaveNumber, index});
  EXPECT_TRUE(recipient.ok()) << recipient.status();
  return recipient.ok() ? *recipient : v1::Recipient();
}

void StoreTest::ExpectBalanced() {
  const auto audit = store_->AuditWave(kWave);
  ASSERT_TRUE(audit.ok()) << audit.status();
  EXPECT_TRUE(audit->balanced()) << audit->DebugString();
}

std::vector<v1::Event> StoreTest::EventsOf(v1::Event::Kind kind) {
  const auto all = store_->Events(0, 10000);
  EXPECT_TRUE(all.ok()) << all.status();
  std::vector<v1::Event> out;
  for (const v1::Event& event : *all) {
    if (event.kind() == kind) out.push_back(event);
  }
  return out;
}

}  // namespace wavepost
