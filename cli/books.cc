#include "cli/books.h"

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

// The counts that a listing of recipients yields, too.
struct Part {
  const char* name;
  int64_t (v1::WaveCounts::*get)() const;
  void (v1::WaveCounts::*set)(int64_t);
};

constexpr Part kParts[] = {
    {"accepted", &v1::WaveCounts::accepted, &v1::WaveCounts::set_accepted},
    {"delivered", &v1::WaveCounts::delivered, &v1::WaveCounts::set_delivered},
    {"bounced", &v1::WaveCounts::bounced, &v1::WaveCounts::set_bounced},
    {"expired", &v1::WaveCounts::expired, &v1::WaveCounts::set_expired},
    {"suppressed", &v1::WaveCounts::suppressed, &v1::WaveCounts::set_suppressed},
    {"capped", &v1::WaveCounts::capped, &v1::WaveCounts::set_capped},
    {"cancelled", &v1::WaveCounts::cancelled, &v1::WaveCounts::set_cancelled},
    {"open", &v1::WaveCounts::open, &v1::WaveCounts::set_open},
};

bool SameParts(const v1::WaveCounts& a, const v1::WaveCounts& b) {
  for (const Part& part : kParts) {
    if ((a.*part.get)() != (b.*part.get)()) return false;
  }
  return true;
}

}  // namespace

void CountRecipient(const v1::Recipient& recipient, v1::WaveCounts* counts) {
  counts->set_accepted(counts->accepted() + 1);
  switch (recipient.outcome()) {
    case v1::DELIVERED:
      return counts->set_delivered(counts->delivered() + 1);
    case v1::BOUNCED:
      return counts->set_bounced(counts->bounced() + 1);
    case v1::EXPIRED:
      return counts->set_expired(counts->expired() + 1);
    case v1::SUPPRESSED:
      return counts->set_suppressed(counts->suppressed() + 1);
    case v1::CAPPED:
      return counts->set_capped(counts->capped() + 1);
    case v1::CANCELLED:
      return counts->set_cancelled(counts->cancelled() + 1);
    case v1::OUTCOME_UNSPECIFIED:
      return counts->set_open(counts->open() + 1);
    default:
      return;  // an outcome of a newer version: the law will not hold, and the audit says so
  }
}

int64_t SumOfOutcomes(const v1::WaveCounts& c) {
  return c.delivered() + c.bounced() + c.expired() + c.suppressed() + c.capped() + c.cancelled() + c.open();
}

void AddWave(std::string_view wave, const v1::AuditWaveResponse& before, const v1::WaveCounts& listed,
             const v1::AuditWaveResponse& after, Books* books) {
  const auto find = [&](std::string_view text) { books->findings.push_back(absl::StrCat(Av(wave), ": ", Av(text))); };
  const size_t findings_before = books->findings.size();
  for (const std::string& finding : after.findings()) find(finding);
  const v1::WaveCounts& counts = after.recounted();
  if (SumOfOutcomes(counts) != counts.accepted()) {
    find(absl::StrCat("accepted ", counts.accepted(), ", but the outcomes and the open ones come to ",
                      SumOfOutcomes(counts)));
  }
  if (!SameParts(before.recounted(), counts)) {
    books->moved = true;
  } else {
    for (const Part& part : kParts) {
      if ((listed.*part.get)() != (counts.*part.get)()) {
        find(absl::StrCat(part.name, ": ", (listed.*part.get)(), " recipients are listed, ", (counts.*part.get)(),
                          " counted"));
      }
    }
  }
  if (!after.balanced() && books->findings.size() == findings_before)
    find("the coordinator says that its books do not balance");
  if (books->findings.size() != findings_before) books->balanced = false;

  for (const Part& part : kParts) (books->counts.*part.set)((books->counts.*part.get)() + (counts.*part.get)());
  books->counts.set_refused(books->counts.refused() + counts.refused());
  books->counts.set_deferrals(books->counts.deferrals() + counts.deferrals());
}

}  // namespace wavepost::cli
