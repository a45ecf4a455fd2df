#include "cli/audit_writer.h"

#include "absl/strings/str_cat.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr size_t kMismatchesShown = 20;

Json RecipientJson(const v1::Recipient& recipient) {
  int64_t reports = 0;
  for (const v1::ReportCount& kind : recipient.reports()) reports += kind.count();
  return Json{{"recipient", recipient.name()},
              {"address", recipient.address()},
              {"outcome", OutcomeWord(recipient.outcome())},
              {"attempts", recipient.attempts()},
              {"reports", reports},
              {"maybe_delivered", recipient.status().maybe_delivered()},
              {"code", recipient.status().code()},
              {"enhanced_code", recipient.status().enhanced_code()},
              {"phase", recipient.status().phase()},
              {"reason", ReasonWord(recipient.status().reason())}};
}

std::string RecipientLine(const v1::Recipient& recipient) {
  std::string line = absl::StrCat(Leaf(recipient.name()), " ", recipient.address(), " ",
                                  OutcomeWord(recipient.outcome()), ", attempts ", recipient.attempts());
  if (recipient.status().code() != 0) absl::StrAppend(&line, ", ", recipient.status().code());
  if (!recipient.status().enhanced_code().empty()) absl::StrAppend(&line, " ", recipient.status().enhanced_code());
  if (recipient.status().reason() != v1::REASON_UNSPECIFIED) {
    absl::StrAppend(&line, ", ", ReasonWord(recipient.status().reason()));
  }
  if (recipient.status().maybe_delivered()) absl::StrAppend(&line, ", maybe delivered");
  return Printable(line, 2048);
}

}  // namespace

void AuditWriter::Begin(const std::string& campaign, bool with_recipients) {
  with_recipients_ = with_recipients;
  if (!json_) return;
  out_ << "{\"campaign\":" << Dump(Json(campaign));
  if (with_recipients_) out_ << ",\"recipients\":[";
}

void AuditWriter::Add(const v1::Recipient& recipient) {
  if (json_) {
    out_ << (first_ ? "\n" : ",\n") << Dump(RecipientJson(recipient));
  } else {
    out_ << RecipientLine(recipient) << "\n";
  }
  first_ = false;
}

void AuditWriter::End(const Books& books, const Ledger* ledger) {
  if (json_) {
    EndJson(books, ledger);
  } else {
    EndText(books, ledger);
  }
}

void AuditWriter::EndJson(const Books& books, const Ledger* ledger) {
  if (with_recipients_) out_ << "]";
  const v1::WaveCounts& c = books.counts;
  Json rest{{"accepted", c.accepted()},   {"refused", c.refused()},     {"delivered", c.delivered()},
            {"bounced", c.bounced()},     {"expired", c.expired()},     {"suppressed", c.suppressed()},
            {"capped", c.capped()},       {"cancelled", c.cancelled()}, {"open", c.open()},
            {"deferrals", c.deferrals()}, {"balanced", books.balanced}, {"findings", books.findings},
            {"moved", books.moved}};
  if (ledger != nullptr) {
    rest["duplicates"] = ledger->duplicates();
    rest["lost"] = ledger->lost();
    rest["mismatch_count"] = ledger->mismatch_count();
    rest["mismatches"] = ledger->mismatches();
  }
  out_ << "," << Dump(rest).substr(1) << "\n";
}

void AuditWriter::EndText(const Books& books, const Ledger* ledger) {
  const v1::WaveCounts& c = books.counts;
  Table table;
  table.Column("");
  table.Column("", Table::Align::kRight);
  table.Column("", Table::Align::kRight);
  const auto row = [&](const char* name, int64_t n) { table.Row({name, WithCommas(n), Share(n, c.accepted())}); };
  table.Row({"accepted", WithCommas(c.accepted())});
  row("delivered", c.delivered());
  row("bounced", c.bounced());
  row("expired", c.expired());
  row("suppressed", c.suppressed());
  row("capped", c.capped());
  row("cancelled", c.cancelled());
  row("open", c.open());
  out_ << table.ToString("  ");
  for (const std::string& finding : books.findings) out_ << "finding: " << Printable(finding) << "\n";
  out_ << (books.balanced ? "The books balance: every accepted recipient has one outcome or is open.\n"
                          : "The books do NOT balance.\n");
  if (ledger == nullptr) return;
  const auto& mismatches = ledger->mismatches();
  for (size_t i = 0; i < mismatches.size() && i < kMismatchesShown; ++i) {
    out_ << "mismatch: " << Printable(mismatches[i]) << "\n";
  }
  out_ << "Against the receivers' ledger: duplicates " << WithCommas(ledger->duplicates()) << ", lost "
       << WithCommas(ledger->lost()) << ", mismatches " << WithCommas(ledger->mismatch_count()) << "\n";
}

}  // namespace wavepost::cli
