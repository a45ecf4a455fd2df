// What becomes of one recipient address: taken, refused, deferred, or taken and reported later by a DSN.
//
// Pure. A fate is written as one line of text, the same in the scenario's `fates`, in fate files and in the table of
// local parts:
//   accept
//   550 5.1.1 User unknown             reply to RCPT
//   data 554 5.7.1 Looks like spam     reply to the final dot
//   dsn 5.1.1 User unknown             250, and a DSN to the return path later
//   once 451 4.3.0 Try later           the first time only; `times=3 ...` for the first three
//   after=2m dsn 5.2.2 Mailbox full    this DSN's own delay
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wavepost::testnet {

struct Fate {
  enum class Kind { kAccept, kReplyAtRcpt, kReplyAfterData, kDsn };
  Kind kind = Kind::kAccept;
  int code = 0;                         // 4xx or 5xx of a reply; 0 for the other kinds
  std::string status;                   // enhanced status code "5.1.1", never empty for replies and DSNs
  std::string text;                     // human text after the status
  int times = 0;                        // applies to the first `times` attempts of an address; 0: always
  std::optional<absl::Duration> after;  // delay of the DSN, before clock_scale; absent: the scenario's dsn.after

  friend bool operator==(const Fate&, const Fate&) = default;
};

// Errors: kInvalidArgument with one sentence that says what is wrong. A reply without an enhanced status code gets
// "C.0.0".
absl::StatusOr<Fate> ParseFate(std::string_view text);

// The obedient local parts: "450-anything", "data-554-x", "once-451-x", "unknown-x", "full-x", "tempfail-x",
// "permfail-x", "spam-x", "bounce-x". Nothing for any other. Letter case does not matter.
std::optional<Fate> FateOfLocalPart(std::string_view local);

// Addresses with a fate of their own, from files: lines "address fate", "#" comments, blank lines.
class FateTable {
 public:
  // Adds the lines of one file; a later line for the same address wins. `name` stands for the file in errors.
  // Errors: kInvalidArgument "NAME:LINE: what is wrong". What was read before stays.
  absl::Status AddText(std::string_view text, const std::string& name);

  // `address` in lower case. Null if the address is not listed; valid until the next AddText.
  const Fate* Find(std::string_view address) const;

  size_t size() const { return by_address_.size(); }

 private:
  // Many addresses share few fates.
  std::vector<Fate> fates_;
  absl::flat_hash_map<std::string, uint32_t> by_text_;
  absl::flat_hash_map<std::string, uint32_t> by_address_;
};

}  // namespace wavepost::testnet
