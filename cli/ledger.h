// Compares our books with the receivers' own, recipient by recipient: what a testnet wrote down as accepted against the
// outcome that we recorded. Pure but for the stream that the ledger is read from.
//
// A ledger is JSON lines; one is used here: {"event":"accepted", "mail_from":"b+TOKEN@...", "rcpt_to":"..."}: the host
// took the message. The token of the return path names the recipient; its HMAC is not checked, the key is not ours.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/base/recipient_id.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost::cli {

inline constexpr size_t kMismatchesMax = 1000;  // kept in words; the rest is counted
inline constexpr size_t kLedgerLineBytesMax = 64 * 1024;
inline constexpr size_t kLedgerRecipientsMax = 20'000'000;

// The recipient that a return path "b+TOKEN@domain" names. Nothing if it has another form.
std::optional<RecipientId> RecipientOf(std::string_view return_path);

// Two dozen bytes per recipient. Not thread-safe.
class Ledger {
 public:
  // Reads to the end. A last line without line break is taken as still being written, and left out.
  // Errors: kInvalidArgument with the line's number; kResourceExhausted (kLedgerRecipientsMax).
  absl::Status Read(std::istream* in);

  // Holds one recipient of ours against it. Each recipient once.
  void Compare(const v1::Recipient& recipient);

  // After the last Compare: looks for mail that was accepted for recipients whom our books do not have. Only waves of
  // which Compare has seen somebody count; the ledger may hold other campaigns.
  void Finish();

  int64_t duplicates() const { return duplicates_; }  // acceptances beyond the first, of any recipient
  int64_t lost() const { return lost_; }              // delivered in our books, never accepted over there
  int64_t mismatch_count() const { return mismatch_count_; }
  // For people, at most kMismatchesMax. A duplicate that the books mark as maybe_delivered is not among them.
  const std::vector<std::string>& mismatches() const { return mismatches_; }

 private:
  struct Entry {
    uint32_t accepted = 0;
    uint32_t address_hash = 0;
    bool compared = false;
  };
  absl::Status ReadLine(std::string_view line);
  void Mismatch(std::string text);

  absl::flat_hash_map<uint64_t, Entry> entries_;
  std::set<uint32_t> waves_;
  int64_t duplicates_ = 0;
  int64_t lost_ = 0;
  int64_t mismatch_count_ = 0;
  std::vector<std::string> mismatches_;
};

}  // namespace wavepost::cli
