// The crash law of the books: a script of changes is cut off at many places, by power cut, failing write and full disk.
// After each acknowledged change nothing of it is ever lost; the one that was under way is there wholly or not at all;
// and the script can be taken up again from there and ends as if nothing had happened.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/storage/testing/power_cut_env.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {
namespace {

constexpr int kChunk = 120;
constexpr int kChunks = 3;
constexpr size_t kPlanPage = 90;
constexpr char kDropped[] = "tenants/acme/campaigns/dropped";
constexpr char kDroppedWave[] = "tenants/acme/campaigns/dropped/waves/w";

using Step = std::function<absl::Status(Store*)>;

absl::Status PlanPage(Store* store, uint32_t from) {
  ASSIGN_OR_RETURN(const auto page, store->ReadPlanPage(kWaveNumber, kPlanPage));
  if (page.first != from) return absl::OkStatus();  // done already
  Plan plan{.wave = kWaveNumber, .from_index = from, .through_index = page.second.back().id.index + 1};
  for (const PlanRow& row : page.second) {
    if (row.suppressed) {
      plan.suppressed.push_back(row.id);
    } else {
      plan.assignments.push_back({row.id, row.id.index % 2 == 0 ? "sender-0" : "sender-1", "127.0.0.11"});
    }
  }
  return store->RecordPlan(plan);
}

// Orders, and a campaign of which a part is planned and then all is dropped, a page per step.
void AddOrders(std::vector<Step>* steps) {
  for (const char* id : {"p1", "p2"}) {
    steps->push_back([id](Store* store) {
      v1::Pause pause;
      pause.mutable_selector()->set_domain(id);
      return store->CreatePause(pause, "operator", {id, id}).status();
    });
  }
  steps->push_back([](Store* store) {
    const absl::Status status = store->EndPause("pauses/2");
    return absl::IsNotFound(status) ? absl::OkStatus() : status;
  });
  steps->push_back([](Store* store) {
    cluster::v1::StoredCampaign campaign;
    campaign.mutable_campaign()->set_name(kDropped);
    return store->CreateCampaign(campaign, {"dc", "dc"}).status();
  });
  steps->push_back([](Store* store) { return store->CreateWave(kDropped, kDroppedWave, {"dw", "dw"}).status(); });
  for (int chunk = 0; chunk < 2; ++chunk) {
    steps->push_back([chunk](Store* store) {
      const std::string id = absl::StrCat("dropped-", chunk);
      return store->ImportChunk(kDroppedWave, Rows(1500 * chunk, 1500), {}, {id, id}).status();
    });
  }
  steps->push_back([](Store* store) { return store->StartWave(kDroppedWave, {.token_key_id = 1}).status(); });
  steps->push_back([](Store* store) -> absl::Status {
    ASSIGN_OR_RETURN(const auto page, store->ReadPlanPage(2, 600));
    if (page.first != 0) return absl::OkStatus();
    Plan plan{.wave = 2, .from_index = 0, .through_index = 600, .warm_up_day = 7};
    for (const PlanRow& row : page.second) plan.assignments.push_back({row.id, "sender-2", "127.0.0.13"});
    plan.warm_up.push_back({"127.0.0.13", "example.com", 600});
    return store->RecordPlan(plan);
  });
  steps->push_back([](Store* store) {
    v1::QueueOrder order;
    order.set_kind(v1::QueueOrder::DROP);
    order.mutable_selector()->set_campaign(kDropped);
    return store->CreateOrder(order, "operator", {"drop", "drop"}).status();
  });
  // Waves: two pages and the end of the list; batches: one. By what is left, a repeated step does nothing.
  for (const int64_t open : {1000, 600, 600, 0}) {
    steps->push_back([open](Store* store) -> absl::Status {
      ASSIGN_OR_RETURN(const auto wave, store->GetWave(kDroppedWave));
      if (wave.wave().counts().open() < open) return absl::OkStatus();
      return store->AdvanceDrops().status();
    });
  }
}

constexpr char kDomain[] = "tenants/acme/sendingDomains/acme.example";
constexpr char kGoneDomain[] = "tenants/acme/sendingDomains/gone.example";
constexpr char kCertificate[] = "tenants/acme/certificates/c";

absl::Status Gone(absl::Status status) {
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

// Domains, files, certificates, our identity: made, changed, removed.
void AddContent(std::vector<Step>* steps) {
  steps->push_back([](Store* store) {
    return store
        ->UpdateTenant(kTenant,
                       [](v1::Tenant* tenant) {
                         tenant->set_display_name("Acme");
                         return absl::OkStatus();
                       })
        .status();
  });
  for (const char* name : {kDomain, kGoneDomain}) {
    steps->push_back([name](Store* store) {
      cluster::v1::StoredSendingDomain domain;
      domain.mutable_domain()->set_name(name);
      domain.add_keys()->set_sealed_pem("sealed");
      return store->CreateSendingDomain(kTenant, domain, {name, name}).status();
    });
  }
  steps->push_back([](Store* store) {
    const auto verify = [](cluster::v1::StoredSendingDomain* stored, std::vector<v1::Event>* events) {
      if (stored->domain().state() == v1::SendingDomain::VERIFIED) return absl::OkStatus();
      stored->mutable_domain()->set_state(v1::SendingDomain::VERIFIED);
      events->emplace_back().set_kind(v1::Event::DOMAIN_CHANGED);
      return absl::OkStatus();
    };
    return store->ChangeSendingDomain(kDomain, verify).status();
  });
  steps->push_back([](Store* store) { return Gone(store->DeleteSendingDomain(kGoneDomain)); });
  for (const char* hash : {"used", "unused"}) {
    steps->push_back([hash](Store* store) { return store->PutFile(kTenant, hash, std::string(20'000, 'f')).status(); });
  }
  steps->push_back([](Store* store) {
    cluster::v1::StoredCampaign campaign;
    campaign.mutable_campaign()->set_name("tenants/acme/campaigns/with-file");
    campaign.mutable_campaign()->mutable_content()->add_attachments()->set_file("tenants/acme/files/used");
    return store->CreateCampaign(campaign, {"fc", "fc"}).status();
  });
  steps->push_back([](Store* store) { return Gone(store->DeleteFile("tenants/acme/files/unused")); });
  for (const char* name : {kCertificate, "tenants/acme/certificates/gone"}) {
    steps->push_back([name](Store* store) {
      cluster::v1::StoredCertificate certificate;
      certificate.mutable_certificate()->set_name(name);
      const absl::Status made = store->CreateCertificate(kTenant, certificate).status();
      return absl::IsAlreadyExists(made) ? absl::OkStatus() : made;
    });
  }
  steps->push_back([](Store* store) { return store->WarnCertificate(kCertificate, 14, "14 days"); });
  steps->push_back([](Store* store) { return Gone(store->DeleteCertificate("tenants/acme/certificates/gone")); });
  steps->push_back([](Store* store) {
    const auto look = [](cluster::v1::StoredIdentity* stored, std::vector<v1::Event>* events) {
      if (stored->identity().domain() == "mail.example") return absl::OkStatus();
      stored->mutable_identity()->set_domain("mail.example");
      events->emplace_back().set_kind(v1::Event::IDENTITY_CHANGED);
      return absl::OkStatus();
    };
    return store->ChangeIdentity(look).status();
  });
}

// One commit each, and harmless when repeated.
std::vector<Step> Script() {
  std::vector<Step> steps;
  steps.push_back([](Store* store) {
    v1::Tenant tenant;
    tenant.set_name(kTenant);
    return store->CreateTenant(tenant, {"t", "t"}).status();
  });
  steps.push_back([](Store* store) {
    cluster::v1::StoredCampaign campaign;
    campaign.mutable_campaign()->set_name(kCampaign);
    campaign.mutable_campaign()->mutable_content()->set_html(std::string(8000, 'x'));
    campaign.add_stored_columns("name");
    return store->CreateCampaign(campaign, {"c", "c"}).status();
  });
  steps.push_back([](Store* store) { return store->CreateWave(kCampaign, kWave, {"w", "w"}).status(); });
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    steps.push_back([chunk](Store* store) {
      const std::string id = absl::StrCat("chunk-", chunk);
      std::vector<NewRecipient> rows = Rows(chunk * kChunk, kChunk);
      rows.push_back(rows[0]);  // a duplicate
      return store->ImportChunk(kWave, std::move(rows), {}, {id, id}).status();
    });
  }
  steps.push_back([](Store* store) {
    v1::Suppression suppression;
    suppression.set_address("user7@example.com");
    return store->CreateSuppression(kTenant, suppression, {"s", "s"}).status();
  });
  steps.push_back([](Store* store) { return store->StartWave(kWave, {.token_key_id = 1}).status(); });
  for (uint32_t from = 0; from < kChunk * kChunks; from += kPlanPage) {
    steps.push_back([from](Store* store) { return PlanPage(store, from); });
  }
  for (int round = 0; round < 6; ++round) {
    steps.push_back([round](Store* store) {
      std::vector<cluster::v1::Report> reports;
      for (int i = 0; i < 30; ++i) {
        const int64_t sequence = round * 30 + i + 1;
        const uint32_t index = static_cast<uint32_t>(2 * (sequence - 1));
        reports.push_back(i % 5 == 0   ? Deferral(sequence, index)
                          : i % 7 == 0 ? HardBounce(sequence, index)
                                       : Outcome(sequence, index, v1::DELIVERED));
      }
      return Apply(store, std::move(reports), "sender-0");
    });
    steps.push_back([round](Store* store) {
      return ApplyBounces(store, {Returned(2 * round + 1, 60 * round + 2, v1::SOFT),
                                  Returned(2 * round + 2, 60 * round + 3, v1::HARD)});
    });
  }
  steps.push_back([](Store* store) -> absl::Status {
    ASSIGN_OR_RETURN(const auto pending, store->PendingBatches("sender-0", 0, 10));
    if (pending.empty() || pending[0].sequence() != 1) return absl::OkStatus();
    return Acknowledge(store, "sender-0", pending[0].batch_id());
  });
  steps.push_back([](Store* store) {
    const absl::Status status = store->DeleteSuppression(kTenant, "user7@example.com", "me", "test");
    return absl::IsNotFound(status) ? absl::OkStatus() : status;
  });
  AddContent(&steps);
  AddOrders(&steps);
  return steps;
}

// By value, so that a loop may stand on a temporary.
template <class T>
T Must(absl::StatusOr<T> value) {
  return *std::move(value);
}

// Everything that can be read, as text; batch ids, which are random, left out.
std::string Fingerprint(Store* store) {
  std::string out;
  const auto add = [&](const google::protobuf::Message& message) { out += message.ShortDebugString() + "\n"; };
  for (const v1::Tenant& tenant : Must(store->ListTenants(100, "")).items) add(tenant);
  for (const v1::Campaign& campaign : Must(store->ListCampaigns(kTenant, 100, "")).items) out += campaign.name();
  const auto wave = store->GetWave(kWave);
  if (wave.ok()) {
    add(*wave);
    for (const v1::Recipient& recipient : Must(store->ListRecipients(kWave, 5000, "", {})).items) add(recipient);
    const auto audit = store->AuditWave(kWave);
    if (!audit.ok() || !audit->balanced()) out += "NOT BALANCED " + audit->DebugString();
  }
  const auto dropped = store->GetWave(kDroppedWave);
  if (dropped.ok()) {
    add(*dropped);
    const auto audit = store->AuditWave(kDroppedWave);
    if (!audit.ok() || !audit->balanced()) out += "NOT BALANCED " + audit->DebugString();
  }
  for (const cluster::v1::Order& order : Must(store->Orders(0, 1000))) add(order);
  for (const cluster::v1::Order& order : Must(store->Orders(1, 1000))) add(order);
  for (const WarmUpCount& count : Must(store->WarmUpCounts(7))) {
    absl::StrAppend(&out, count.egress_ip, " ", count.domain, " ", count.recipients, "\n");
  }
  for (const auto& domain : Must(store->ListAllSendingDomains(100, "")).items) add(domain);
  for (const v1::File& file : Must(store->ListFiles(kTenant, 100, "")).items) {
    add(file);
    absl::StrAppend(&out, store->ReadFile(file.name()).value().size(), " bytes\n");
  }
  for (const char* hash : {"used", "unused"}) {
    if (store->ReadFile(absl::StrCat(kTenant, "/files/", hash)).ok()) absl::StrAppend(&out, hash, " has bytes\n");
  }
  for (const auto& certificate : Must(store->ListCertificates(kTenant, 100, "")).items) add(certificate);
  add(Must(store->GetIdentity()));
  for (const v1::Suppression& suppression : Must(store->ListSuppressions(kTenant, 100, "")).items) add(suppression);
  for (const SuppressionChange& change : Must(store->SuppressionChanges(0, 1000))) add(change);
  for (const v1::Event& event : Must(store->Events(0, 10000))) add(event);
  for (const cluster::v1::StoredNode& node : Must(store->ListNodes())) add(node);
  add(Must(store->GetBouncer("bouncer-0")));
  for (const char* node : {"sender-0", "sender-1", "sender-2"}) {
    for (cluster::v1::PendingBatch batch : Must(store->PendingBatches(node, 0, 100))) {
      batch.clear_batch_id();
      add(batch);
    }
    absl::StrAppend(&out, node, " ", store->Backlog(node).value(), "\n");
  }
  return out;
}

class PowerCutTest : public StoreTest {
 protected:
  PowerCutTest() : script_(Script()) {
    PowerCutEnv env;
    auto store = OpenOn(env);
    EXPECT_TRUE(store.ok()) << store.status();
    opening_ = env.operations();
    states_.push_back(Fingerprint(store->get()));
    for (const Step& step : script_) {
      const absl::Status done = step(store->get());
      EXPECT_TRUE(done.ok()) << done;
      states_.push_back(Fingerprint(store->get()));
      EXPECT_EQ(states_.back().find("NOT BALANCED"), std::string::npos) << states_.back();
    }
    operations_ = env.operations();
  }

  // Little memory: RocksDB flushes and compacts in the background meanwhile. Much: only what the store asks for is
  // written, so that injected failures hit that. (A failure in the background makes Debian's RocksDB, which is built
  // with assertions, abort; that is a crash like any other.)
  static constexpr size_t kLittle = 512 << 10, kMuch = 64 << 20;
  absl::StatusOr<std::unique_ptr<Store>> OpenOn(const PowerCutEnv& env, size_t memory_bytes = kLittle) {
    return OpenRocksStore({.data_dir = path_, .memory_bytes = memory_bytes, .clock = &clock_, .env = env.env()});
  }

  void Wipe() { std::filesystem::remove_all(path_); }

  // Runs the script from step `from`; returns how many steps are acknowledged then.
  size_t Run(Store* store, size_t from, const PowerCutEnv* env = nullptr) {
    while (from < script_.size() && script_[from](store).ok() && (env == nullptr || !env->power_is_cut())) ++from;
    return from;
  }

  // One of the states that the books may be in when `acknowledged` steps were. Says which; nothing if it is none.
  std::optional<size_t> StateAfter(Store* store, size_t acknowledged) {
    const std::string found = Fingerprint(store);
    for (size_t state = acknowledged; state < std::min(acknowledged + 2, states_.size()); ++state) {
      if (found == states_[state]) return state;
    }
    return std::nullopt;
  }

  // Cuts the power at operation `cut`; true if the law holds afterwards.
  bool HoldsAfterCutAt(int64_t cut, uint64_t seed, bool ignore_syncs) {
    Wipe();
    PowerCutEnv env;
    if (ignore_syncs) env.IgnoreSyncs();
    env.CutPowerAt(cut);
    size_t acknowledged = 0;
    if (auto store = OpenOn(env); store.ok()) acknowledged = Run(store->get(), 0, &env);
    EXPECT_TRUE(env.PowerCycle(seed).ok());
    const auto store = OpenOn(env);
    if (!store.ok()) {
      reason_ = store.status().ToString();
      return false;
    }
    const auto state = StateAfter(store->get(), acknowledged);
    if (!state.has_value()) {
      reason_ = absl::StrCat("not the state after ", acknowledged, " steps");
      return false;
    }
    const size_t end = Run(store->get(), acknowledged);
    if (end != script_.size() || Fingerprint(store->get()) != states_.back()) {
      reason_ = absl::StrCat("taken up after ", acknowledged, " steps, it ends elsewhere, at step ", end);
      return false;
    }
    return true;
  }

  const std::vector<Step> script_;
  std::vector<std::string> states_;  // after each number of steps
  int64_t opening_ = 0;              // disk operations of opening an empty folder
  int64_t operations_ = 0;           // and with the script
  std::string reason_;
};

TEST_F(PowerCutTest, NothingAcknowledgedIsLostWhereverThePowerGoes) {
  ASSERT_GT(operations_, opening_ + 2 * static_cast<int64_t>(script_.size()) - 1);
  for (int64_t cut = 1; cut <= operations_ + 1; cut += cut < opening_ ? 7 : 2) {
    ASSERT_TRUE(HoldsAfterCutAt(cut, static_cast<uint64_t>(cut), false)) << "operation " << cut << ": " << reason_;
  }
}

TEST_F(PowerCutTest, WouldNoticeAStoreThatDoesNotSync) {
  int violations = 0;
  for (int64_t cut = opening_ + 5; cut <= operations_; cut += 10) {
    violations += HoldsAfterCutAt(cut, static_cast<uint64_t>(cut), true) ? 0 : 1;
  }
  EXPECT_GT(violations, 0);
}

TEST_F(PowerCutTest, AFailedWriteOrSyncIsAllOrNothingAndFinal) {
  for (int64_t at = opening_ + 1; at <= operations_; at += 3) {
    Wipe();
    PowerCutEnv env;
    size_t acknowledged = 0;
    {
      auto store = OpenOn(env, kMuch);
      ASSERT_TRUE(store.ok()) << store.status();
      env.FailAt(at - opening_);
      acknowledged = Run(store->get(), 0);
      // Readers see what is safe, and nothing of the change that failed.
      EXPECT_EQ(Fingerprint(store->get()), states_[acknowledged]) << "operation " << at;
      if (acknowledged < script_.size()) {
        EXPECT_FALSE(script_[acknowledged](store->get()).ok()) << "operation " << at;
      }
      env.FailAt(0);
    }
    const auto store = OpenOn(env);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE(StateAfter(store->get(), acknowledged).has_value()) << "operation " << at;
    EXPECT_EQ(Run(store->get(), acknowledged), script_.size());
    EXPECT_EQ(Fingerprint(store->get()), states_.back()) << "operation " << at;
  }
}

TEST_F(PowerCutTest, AFullDiskIsSaidAndLosesNothing) {
  for (size_t full_at = 0; full_at < script_.size(); full_at += 3) {
    Wipe();
    PowerCutEnv env;
    {
      auto store = OpenOn(env, kMuch);
      ASSERT_TRUE(store.ok()) << store.status();
      for (size_t i = 0; i < full_at; ++i) ASSERT_TRUE(script_[i](store->get()).ok());
      env.SetFull(true);
      const absl::Status full = script_[full_at](store->get());
      EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
      EXPECT_EQ(Fingerprint(store->get()), states_[full_at]);
      env.SetFull(false);
    }
    const auto store = OpenOn(env);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_TRUE(StateAfter(store->get(), full_at).has_value()) << full_at;
    EXPECT_EQ(Run(store->get(), full_at), script_.size());
    EXPECT_EQ(Fingerprint(store->get()), states_.back());
  }
}

TEST_F(PowerCutTest, AFailedWriteFailsItsGroupAndNoOther) {
  Wipe();
  PowerCutEnv env;
  auto store = OpenOn(env, kMuch);
  ASSERT_TRUE(store.ok()) << store.status();
  const size_t before = 4;  // steps: a wave with recipients
  for (size_t i = 0; i < before; ++i) ASSERT_TRUE(script_[i](store->get()).ok());

  // Holds up the writer after one more change, so that the next two share a group, of which the second write fails.
  std::promise<void> entered, release;
  std::atomic<bool> first = true;
  (*store)->OnChange([&] {
    if (!first.exchange(false)) return;
    entered.set_value();
    release.get_future().wait();
  });
  std::vector<absl::Status> results(2, absl::UnknownError("not told"));
  std::promise<void> told;
  (*store)->ApplyReports("sender-0", {Deferral(1, 1)}, nullptr);
  entered.get_future().wait();
  (*store)->ApplyReports("sender-0", {Deferral(2, 1)}, [&](absl::Status status) { results[0] = status; });
  (*store)->ApplyReports("sender-0", {Deferral(3, 1)}, [&](absl::Status status) {
    results[1] = status;
    told.set_value();
  });
  env.FailAt(2);
  release.set_value();
  told.get_future().wait();
  EXPECT_EQ(results[0].code(), absl::StatusCode::kUnavailable) << results[0];
  EXPECT_EQ(results[1].code(), absl::StatusCode::kUnavailable) << results[1];
  EXPECT_EQ((*store)->GetWave(kWave)->wave().counts().deferrals(), 1);
  EXPECT_FALSE((*store)->StartWave(kWave, {.token_key_id = 1}).ok());
  store->reset();

  store = OpenOn(env, kMuch);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE(Apply(store->get(), {Deferral(1, 1), Deferral(2, 1), Deferral(3, 1)}).ok());
  EXPECT_EQ((*store)->GetWave(kWave)->wave().counts().deferrals(), 3);
}

// Not about power: what readers see while others write.
TEST_F(StoreTest, ReadersSeeBalancedBooksAtAnyMoment) {
  constexpr int kRecipients = 2000;
  Running(kRecipients);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    std::atomic<int> waiting = 0;
    for (int i = 0; i < kRecipients; ++i) {
      ++waiting;
      store_->ApplyReports("sender-0", {i % 9 == 0 ? HardBounce(i + 1, i) : Outcome(i + 1, i, v1::DELIVERED)},
                           [&](absl::Status status) {
                             EXPECT_TRUE(status.ok()) << status;
                             --waiting;
                           });
    }
    while (waiting > 0) std::this_thread::yield();
    done = true;
  });
  int audits = 0;
  while (!done || audits == 0) {
    ExpectBalanced();
    ++audits;
  }
  writer.join();
  ExpectBalanced();
  EXPECT_EQ(Counts().open(), 0);
  EXPECT_EQ(store_->GetWave(kWave)->wave().state(), v1::Wave::COMPLETED);
}

}  // namespace
}  // namespace wavepost
