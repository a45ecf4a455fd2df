// Writes an audit while it goes on: one JSON object, or a table for people. Holds no recipients.
#pragma once

#include <ostream>
#include <string>

#include "cli/books.h"
#include "cli/ledger.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost::cli {

class AuditWriter {
 public:
  AuditWriter(std::ostream* out, bool json) : out_(*out), json_(json) {}

  // Call in this order; Add only if `with_recipients`. The sums come last: they are known last.
  void Begin(const std::string& campaign, bool with_recipients);
  void Add(const v1::Recipient& recipient);
  void End(const Books& books, const Ledger* ledger);  // nullptr: nothing was compared

 private:
  void EndJson(const Books& books, const Ledger* ledger);
  void EndText(const Books& books, const Ledger* ledger);

  std::ostream& out_;
  const bool json_;
  bool with_recipients_ = false;
  bool first_ = true;
};

}  // namespace wavepost::cli
