// The readers of foreign SPF, DKIM and DMARC records, and the sentences made of them, on arbitrary bytes; the first
// byte chooses.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/base/strings.h"
#include "coordinator/domains/dkim_record.h"
#include "coordinator/domains/dmarc.h"
#include "coordinator/domains/spf.h"
#include "coordinator/domains/spf_check.h"
#include "coordinator/domains/spf_mend.h"
#include "coordinator/domains/tag_list.h"

namespace wavepost {
namespace {

void Spf(const std::string& text) {
  const std::string repaired = RepairSpfVersion(text);
  WP_CHECK(repaired == text || IsSpf(repaired));
  const SpfRecord record = ParseSpf(repaired);
  WP_CHECK(record.terms.size() <= kSpfTermsMax);
  for (const SpfTerm& term : record.terms) {
    SpfFault fault;
    WP_CHECK(ParseSpfTerm(term.text, &fault).has_value());
  }
  for (const SpfFault& fault : record.faults) {
    WP_CHECK(fault.at >= 1 && fault.at <= repaired.size());
    SpfFault ignored;
    WP_CHECK(!fault.fix || fault.fix->empty() || ParseSpfTerm(*fault.fix, &ignored).has_value());
  }
  const std::optional<std::string> mended = MendSpf({record}, "_spf.mail.example");
  if (mended) {
    WP_CHECK(mended->size() <= kMendedSpfBytesMax && IsSpf(*mended));
    const SpfRecord again = ParseSpf(*mended);
    WP_CHECK(again.faults.empty());
    WP_CHECK(MendSpf({again}, "_spf.mail.example") == mended);  // mending comes to rest
  }
  const Verdict verdict = JudgeSpf({.owner = "x.test", .ours = "_spf.mail.example", .texts = {text}, .mended = mended});
  WP_CHECK(IsUtf8(verdict.advice));
}

void Dkim(const std::string& text) {
  const DkimWanted wanted = {"s._domainkey.x.test", "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"};
  const size_t half = text.size() / 2;
  for (const std::vector<std::string>& texts :
       {std::vector<std::string>{text}, std::vector<std::string>{text.substr(0, half), text.substr(half)}}) {
    const Verdict verdict = JudgeDkimText(wanted, {{"t._domainkey.x.test", "p=AAAA"}}, texts);
    WP_CHECK(IsUtf8(verdict.advice) && verdict.advice.size() < 4096);
    WP_CHECK(verdict.state != v1::RecordCheck::OK || HoldsDkimKey(wanted.text, texts));
  }
  const Verdict alias = JudgeDkimAlias({wanted.owner, "wp1.mail.example", "", {text}, wanted.text});
  WP_CHECK(alias.state == v1::RecordCheck::WRONG && IsUtf8(alias.advice));
}

void Dmarc(const std::string& text) {
  WP_CHECK(ParseTagList(text).tags.size() <= kTagsMax);
  const DmarcRecord record = ParseDmarc(text);
  if (!record.fault.empty()) WP_CHECK(IsDmarc(record.suggested));
  const Verdict verdict = JudgeDmarc({.domain = "x.test", .texts = {text}, .dkim_domain = "x.test"});
  WP_CHECK(IsUtf8(verdict.advice) && verdict.advice.size() < 4096);
  DmarcAligned(text, "x.test", false);
}

}  // namespace
}  // namespace wavepost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      wavepost::Spf(text);
      break;
    case 1:
      wavepost::Dkim(text);
      break;
    default:
      wavepost::Dmarc(text);
  }
  return 0;
}
