#include "coordinator/store/strangers.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/address.h"
#include "common/storage/db.h"
#include "coordinator/store/change.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using cluster::v1::BounceReport;

// "hard report", "complaint report", "auto reply"...
std::string KindWords(v1::BounceClass bounce_class) {
  if (!v1::BounceClass_IsValid(bounce_class) || bounce_class == v1::BOUNCE_CLASS_UNSPECIFIED) {
    return "a report that could not be read";
  }
  const std::string word = absl::StrReplaceAll(absl::AsciiStrToLower(v1::BounceClass_Name(bounce_class)), {{"_", " "}});
  return absl::StrCat("a report (", word, ")");
}

std::string WayWords(const BounceReport& report) {
  switch (report.source()) {
    case BounceReport::FEEDBACK_LOOP:
      return " by the feedback loop";
    case BounceReport::INGEST:
      return " by IngestReport";
    case BounceReport::UNSUBSCRIBE_MAIL:
    case BounceReport::UNSUBSCRIBE_PAGE:
      return " by an unsubscribe link";
    default:
      return "";
  }
}

bool WasSent(const cluster::v1::RecipientState& state) {
  if (state.state() == v1::Recipient::ASSIGNED) return true;
  return state.outcome() == v1::DELIVERED || state.outcome() == v1::BOUNCED || state.outcome() == v1::EXPIRED;
}

// "was sent to in tenants/a/campaigns/b/waves/c (2026-05-01)"; empty: not in the newest waves.
absl::StatusOr<std::string> LastSent(Change& change, const std::string& address) {
  std::vector<std::string> keys;
  std::vector<uint32_t> waves;
  for (uint32_t wave = change.state().last_wave; wave > 0 && waves.size() < kWavesSearchedMax; --wave) {
    waves.push_back(wave);
    keys.push_back(AddressKey(wave, address));
  }
  ASSIGN_OR_RETURN(const auto indices, change.read().MultiGet(kAddresses, keys));
  for (size_t i = 0; i < waves.size(); ++i) {
    if (!indices[i].has_value() || indices[i]->size() != 4) continue;
    const RecipientId id{waves[i], ReadBig32(*indices[i])};
    const auto state = change.read().GetMessage<cluster::v1::RecipientState>(kStates, RecipientKey(id));
    if (absl::IsNotFound(state.status())) continue;
    RETURN_IF_ERROR(state.status());
    if (!WasSent(*state)) continue;
    ASSIGN_OR_RETURN(const cluster::v1::StoredWave* const wave, change.Wave(id.wave));
    std::string text = absl::StrCat("was sent to in ", wave->wave().name());
    if (state->has_outcome_time()) {
      absl::StrAppend(&text, " (",
                      absl::FormatTime("%Y-%m-%d", FromProtoTime(state->outcome_time()), absl::UTCTimeZone()), ")");
    }
    return text;
  }
  return std::string();
}

}  // namespace

void StrangerGate::Roll(absl::Time now) {
  // A clock that was put back begins anew.
  if (now < day_ || now - day_ >= absl::Hours(24)) {
    day_ = now;
    day_events_ = 0;
    told_ = absl::InfinitePast();
  }
  if (now >= minute_ && now - minute_ < absl::Minutes(1)) return;
  minute_ = now;
  events_ = 0;
  over_ += held_back_;
  held_back_ = 0;
}

bool StrangerGate::Take(absl::Time now) {
  Roll(now);
  if (events_ < kEventsPerMinute && day_events_ < kEventsPerDay) {
    ++events_;
    ++day_events_;
    return true;
  }
  ++held_back_;
  return false;
}

int64_t StrangerGate::TakeHeldBack(absl::Time now) {
  Roll(now);
  if (over_ == 0 || (day_events_ >= kEventsPerDay && now - told_ < absl::Hours(1))) return 0;
  told_ = now;
  return std::exchange(over_, 0);
}

absl::StatusOr<v1::Event> StrangerEvent(Change& change, const BounceReport& report) {
  v1::Event event;
  event.set_kind(v1::Event::REPORT_UNATTRIBUTED);
  *event.mutable_status() = report.status();
  event.mutable_status()->set_bounce_class(report.bounce_class());
  event.set_evidence(Printable(report.evidence()));
  std::string text = absl::StrCat(KindWords(report.bounce_class()), " came back", WayWords(report));
  if (report.recipient_id() != 0) {
    // Genuine, and yet unknown: of another cluster with our keys, or these books are older than the mail.
    absl::StrAppend(&text, " whose genuine token names ", RecipientId::FromPacked(report.recipient_id()).ToString(),
                    ", which the books do not have: were they put back from an old copy?");
    event.set_text(text);
    return event;
  }
  absl::StrAppend(&text, " without a genuine token");
  const absl::StatusOr<Address> named = ParseAddress(report.final_recipient());
  if (!named.ok()) {
    absl::StrAppend(&text, report.final_recipient().empty() ? " and names nobody" : " and names no valid address");
  } else {
    const std::string address = named->ToString();
    event.set_address(address);
    ASSIGN_OR_RETURN(const std::string sent, LastSent(change, address));
    absl::StrAppend(&text, " and names ", address, ", which ",
                    sent.empty() ? "was not sent to in the newest waves" : sent);
  }
  absl::StrAppend(&text, "; not proven, so nothing changes");
  event.set_text(text);
  return event;
}

v1::Event HeldBackEvent(int64_t count) {
  v1::Event event;
  event.set_kind(v1::Event::REPORT_UNATTRIBUTED);
  event.set_count(count);
  event.set_text(absl::StrCat(count,
                              " more reports without a genuine token came than are shown one by one; they are "
                              "counted, and nothing changes"));
  return event;
}

}  // namespace wavepost
