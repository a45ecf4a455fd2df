#include "coordinator/domains/lost_pauses.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "coordinator/domains/look.h"
#include "coordinator/store/store.h"

namespace wavepost {
namespace {

constexpr int kPageSize = 1000;
constexpr size_t kReasonBytesMax = 500;

// No name is a beginning of another one with this behind it.
std::string ReasonPrefix(const v1::SendingDomain& domain) {
  return absl::StrCat("sending domain ", domain.name(), " is lost. ");
}

absl::StatusOr<std::vector<v1::Pause>> OwnPauses(Store* store, const v1::SendingDomain& domain) {
  const std::string prefix = ReasonPrefix(domain);
  std::vector<v1::Pause> own;
  std::string cursor;
  do {  // at most Store::kPausesMax stand
    ASSIGN_OR_RETURN(const auto page, store->ListPauses(kCoordinatorCreator, kPageSize, cursor));
    for (const v1::Pause& pause : page.items) {
      if (absl::StartsWith(pause.reason(), prefix)) own.push_back(pause);
    }
    cursor = page.next;
  } while (!cursor.empty());
  return own;
}

}  // namespace

absl::Status PauseForLostDomain(Store* store, const cluster::v1::StoredSendingDomain& stored) {
  const v1::SendingDomain& domain = stored.domain();
  if (domain.state() != v1::SendingDomain::LOST || stored.pauses_size() > 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> campaigns, store->CampaignsSendingFrom(domain.name()));
  if (campaigns.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<v1::Pause> standing, OwnPauses(store, domain));
  std::vector<std::string> names;
  for (const std::string& campaign : campaigns) {
    const auto there = std::find_if(standing.begin(), standing.end(),
                                    [&](const v1::Pause& pause) { return pause.selector().campaign() == campaign; });
    if (there != standing.end()) {
      names.push_back(there->name());
      continue;
    }
    v1::Pause pause;
    pause.mutable_selector()->set_tenant(campaign.substr(0, campaign.find("/campaigns/")));
    pause.mutable_selector()->set_campaign(campaign);
    pause.set_creator(std::string(kCoordinatorCreator));
    pause.set_reason(Printable(absl::StrCat(ReasonPrefix(domain), FirstFailure(domain)), kReasonBytesMax));
    ASSIGN_OR_RETURN(const v1::Pause made, store->CreatePause(pause, "", {}));
    names.push_back(made.name());
  }
  const Store::DomainChange record = [&](cluster::v1::StoredSendingDomain* now, std::vector<v1::Event>*) {
    for (const std::string& name : names) now->add_pauses(name);
    return absl::OkStatus();
  };
  return store->ChangeSendingDomain(domain.name(), record).status();
}

absl::Status EndForgottenPauses(Store* store) {
  constexpr absl::string_view kBegin = "sending domain ", kEnd = " is lost. ";
  std::vector<std::string> over;
  std::string cursor;
  do {
    ASSIGN_OR_RETURN(const auto page, store->ListPauses(kCoordinatorCreator, kPageSize, cursor));
    for (const v1::Pause& pause : page.items) {
      const size_t end = pause.reason().find(std::string(kEnd));
      if (!absl::StartsWith(pause.reason(), kBegin) || end == std::string::npos) continue;
      const auto domain = store->GetSendingDomain(pause.reason().substr(kBegin.size(), end - kBegin.size()));
      if (!domain.ok() && !absl::IsNotFound(domain.status())) return domain.status();
      if (!domain.ok() || domain->domain().state() == v1::SendingDomain::VERIFIED) over.push_back(pause.name());
    }
    cursor = page.next;
  } while (!cursor.empty());
  for (const std::string& name : over) {
    const absl::Status ended = store->EndPause(name);
    if (!ended.ok() && !absl::IsNotFound(ended)) return ended;
  }
  return absl::OkStatus();
}

absl::Status EndLostPauses(Store* store, const cluster::v1::StoredSendingDomain& stored) {
  std::set<std::string> names(stored.pauses().begin(), stored.pauses().end());
  ASSIGN_OR_RETURN(const std::vector<v1::Pause> standing, OwnPauses(store, stored.domain()));
  for (const v1::Pause& pause : standing) names.insert(pause.name());
  for (const std::string& name : names) {
    const absl::Status ended = store->EndPause(name);
    if (!ended.ok() && !absl::IsNotFound(ended)) return ended;  // an operator may have ended it
  }
  return absl::OkStatus();
}

}  // namespace wavepost
