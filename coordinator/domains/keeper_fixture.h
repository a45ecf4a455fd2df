// For tests of the keeper: a store, a zone that can be changed while the resolver's thread runs, and a sending domain.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/dns/zone_resolver.h"
#include "common/seal/seal.h"
#include "coordinator/base/dns_client.h"
#include "coordinator/domains/domain_keeper.h"
#include "coordinator/domains/new_keys.h"
#include "coordinator/domains/rotation.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/store_test_util.h"

namespace wavepost {

inline constexpr char kKept[] = "tenants/acme/sendingDomains/a.example";

class KeeperTest : public StoreTest {
 protected:
  KeeperTest() {
    Open();
    EXPECT_TRUE(MakeDraft(store_.get()).ok());
    dns_ = DnsClient::StartWith([this] {
      auto zone = ZoneResolver::Parse(
          "mx.op.example A 192.0.2.1\n"
          "_spf.op.example TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n");
      EXPECT_TRUE(zone.ok()) << zone.status();
      zone_ = zone->get();
      return *std::move(zone);
    });
    ours_ = {.identity_domain = "op.example", .return_path_domain = "b.op.example", .mx_hosts = {"mx.op.example"}};
    MakeKeeper();
  }

  // As after a restart of the process.
  void MakeKeeper() {
    keeper_ = std::make_unique<DomainKeeper>(DomainKeeper::Needs{.store = store_.get(),
                                                                 .dns = dns_.get(),
                                                                 .clock = &clock_,
                                                                 .sealer = &sealer_,
                                                                 .ours = ours_,
                                                                 .policy = policy_});
  }

  void MakeDomain(v1::SendingDomain::Mode mode = v1::SendingDomain::TXT, std::string_view name = kKept) {
    cluster::v1::StoredSendingDomain stored;
    stored.mutable_domain()->set_name(std::string(name));
    stored.mutable_domain()->set_mode(mode);
    stored.mutable_domain()->set_state(v1::SendingDomain::UNVERIFIED);
    const auto keys = MakeKeyPair(sealer_, name, NextSelectors(stored.domain(), clock_.Now()), clock_.Now());
    ASSERT_TRUE(keys.ok()) << keys.status();
    AddKeys(*keys, &stored);
    *stored.mutable_next_check_time() = ToProtoTime(clock_.Now() + absl::Hours(1));
    ASSERT_TRUE(store_->CreateSendingDomain(kTenant, stored, {}).ok());
  }

  // Alters the zone on its own thread.
  void InZone(const std::function<void(ZoneResolver*)>& alter) {
    ASSERT_TRUE(dns_->Run([&](Resolver*) -> Awaitable<absl::Status> { return Alter(zone_, alter); }).ok());
  }

  // Publishes the keys of the domain, in CNAME mode ours and its owner's side.
  void Publish(std::string_view name = kKept) {
    const v1::SendingDomain domain = Domain(name);
    InZone([&](ZoneResolver* zone) {
      for (const v1::DkimKeyInfo& key : domain.dkim_keys()) {
        const std::string owner = absl::StrCat(key.selector(), "._domainkey.", DomainOf(domain));
        const std::string txt = absl::StrCat(" TXT \"", key.public_txt(), "\"\n");
        zone->Remove(owner);
        if (domain.mode() == v1::SendingDomain::TXT) {
          ASSERT_TRUE(zone->Add(owner + txt).ok());
          continue;
        }
        const std::string target = DelegatedKeyName(ours_, domain.name(), key.selector());
        zone->Remove(target);
        ASSERT_TRUE(zone->Add(absl::StrCat(owner, " CNAME ", target, "\n", target, txt)).ok());
      }
    });
  }

  void Unpublish(std::string_view name = kKept) {
    const v1::SendingDomain domain = Domain(name);
    InZone([&](ZoneResolver* zone) {
      for (const v1::DkimKeyInfo& key : domain.dkim_keys()) {
        zone->Remove(absl::StrCat(key.selector(), "._domainkey.", DomainOf(domain)));
      }
    });
  }

  void Fail(std::string_view name = kKept) {  // the name server does not answer
    Unpublish(name);
    const v1::SendingDomain domain = Domain(name);
    InZone([&](ZoneResolver* zone) {
      for (const v1::DkimKeyInfo& key : domain.dkim_keys()) {
        ASSERT_TRUE(zone->Add(absl::StrCat(key.selector(), "._domainkey.", DomainOf(domain), " SERVFAIL\n")).ok());
      }
    });
  }

  v1::SendingDomain Domain(std::string_view name = kKept) {
    const auto stored = store_->GetSendingDomain(name);
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.ok() ? stored->domain() : v1::SendingDomain();
  }

  v1::SendingDomain Verify(std::string_view name = kKept) {
    const auto verified = keeper_->Verify(name);
    EXPECT_TRUE(verified.ok()) << verified.status();
    return verified.ok() ? *verified : v1::SendingDomain();
  }

  void Round(absl::Duration later) {
    clock_.Advance(later);
    const absl::Status done = keeper_->RunRound();
    EXPECT_TRUE(done.ok()) << done;
  }

  // kWave runs, from this address.
  void StartFrom(std::string_view from_address) {
    ASSERT_TRUE(store_->ImportChunk(kWave, Rows(0, 3), {}, {}).ok());
    ASSERT_TRUE(store_->StartWave(kWave, {.token_key_id = 1, .from_address = std::string(from_address)}).ok());
  }

  std::vector<v1::Pause> Pauses() { return store_->ListPauses("", 100, "")->items; }

  std::vector<std::string> Texts(v1::Event::Kind kind) {
    std::vector<std::string> texts;
    for (const v1::Event& event : EventsOf(kind)) texts.push_back(event.text());
    return texts;
  }

  const Sealer sealer_ = Sealer::ForTest();
  OurNames ours_;
  DomainPolicy policy_;
  ZoneResolver* zone_ = nullptr;  // the resolver's thread only
  std::unique_ptr<DnsClient> dns_;
  std::unique_ptr<DomainKeeper> keeper_;

 private:
  static Awaitable<absl::Status> Alter(ZoneResolver* zone, std::function<void(ZoneResolver*)> alter) {
    alter(zone);
    co_return absl::OkStatus();
  }
};

}  // namespace wavepost
