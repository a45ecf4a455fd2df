#include "cli/ledger.h"

#include <array>
#include <nlohmann/json.hpp>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr std::string_view kTagPrefix = "b+";
constexpr size_t kTokenChars = 31;     // 19 bytes in base32 (RFC 4648 section 6), unpadded
constexpr size_t kReferenceBytes = 9;  // key id (1), wave (4), index (4)

int Base32Value(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

uint32_t BigEndian(const uint8_t* bytes) {
  return static_cast<uint32_t>(bytes[0]) << 24 | static_cast<uint32_t>(bytes[1]) << 16 |
         static_cast<uint32_t>(bytes[2]) << 8 | bytes[3];
}

// Only the letter case may differ between what we store and what goes over the wire.
uint32_t HashOf(std::string_view address) {
  return static_cast<uint32_t>(absl::Hash<std::string>{}(AsciiLower(address)));
}

std::string Text(const nlohmann::json& line, const char* key) {
  const auto it = line.find(key);
  return it != line.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

std::optional<RecipientId> RecipientOf(std::string_view return_path) {
  if (!return_path.empty() && return_path.front() == '<' && return_path.back() == '>') {
    return_path = return_path.substr(1, return_path.size() - 2);
  }
  const size_t at = return_path.rfind('@');
  if (at == std::string_view::npos || at != kTagPrefix.size() + kTokenChars ||
      !StartsWithIgnoreCase(return_path, kTagPrefix)) {
    return std::nullopt;
  }
  std::array<uint8_t, kReferenceBytes> bytes{};
  uint32_t bits = 0;
  int bit_count = 0;
  size_t filled = 0;
  for (char c : return_path.substr(kTagPrefix.size(), kTokenChars)) {
    const int value = Base32Value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 5 | static_cast<uint32_t>(value);
    bit_count += 5;
    if (bit_count >= 8 && filled < bytes.size()) {
      bit_count -= 8;
      bytes[filled++] = static_cast<uint8_t>(bits >> bit_count);
    }
  }
  return RecipientId{BigEndian(&bytes[1]), BigEndian(&bytes[5])};
}

absl::Status Ledger::Read(std::istream* in) {
  std::string line;
  int64_t number = 0;
  while (std::getline(*in, line)) {
    if (in->eof()) break;
    ++number;
    if (line.size() > kLedgerLineBytesMax)
      return absl::InvalidArgumentError(absl::StrCat("line ", number, ": too long"));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    RETURN_IF_ERROR(Annotate(ReadLine(line), "line " + std::to_string(number)));
  }
  return absl::OkStatus();
}

absl::Status Ledger::ReadLine(std::string_view line) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("is no JSON object; is this a testnet's ledger?");
  if (Text(json, "event") != "accepted") return absl::OkStatus();
  const std::string mail_from = Text(json, "mail_from");
  const std::string rcpt_to = Text(json, "rcpt_to");
  const std::optional<RecipientId> id = RecipientOf(mail_from);
  if (!id.has_value()) return absl::OkStatus();  // other people's mail
  if (entries_.size() >= kLedgerRecipientsMax)
    return absl::ResourceExhaustedError("the ledger has too many recipients");
  Entry& entry = entries_[id->packed()];
  if (entry.accepted > 0 && entry.address_hash != HashOf(rcpt_to)) {
    Mismatch(absl::StrCat(id->ToString(), " was sent to different addresses, one of them ",
                          Printable(rcpt_to, 320).c_str()));
  }
  ++entry.accepted;
  entry.address_hash = HashOf(rcpt_to);
  return absl::OkStatus();
}

void Ledger::Compare(const v1::Recipient& recipient) {
  const std::string who = absl::StrCat(Leaf(recipient.name()), " ", recipient.address());
  const std::optional<RecipientId> id = RecipientId::Parse(Leaf(recipient.name()));
  if (!id.has_value()) return Mismatch(who + ": has no recipient number");
  waves_.insert(id->wave);
  const auto it = entries_.find(id->packed());
  const uint32_t accepted = it == entries_.end() ? 0 : it->second.accepted;
  if (accepted > 0) {
    if (it->second.compared) return Mismatch(who + ": stands twice in our books");
    it->second.compared = true;
    if (it->second.address_hash != HashOf(recipient.address())) Mismatch(who + ": was sent to another address");
  }

  const bool maybe = recipient.status().maybe_delivered();
  const bool delivered = recipient.outcome() == v1::DELIVERED;
  // A report that came back later is about a message that was taken first.
  const bool reported = recipient.outcome() == v1::BOUNCED && recipient.status().phase() == "report";
  const std::string outcome = OutcomeWord(recipient.outcome());
  if (accepted > 1) {
    duplicates_ += accepted - 1;
    if (!maybe) Mismatch(absl::StrCat(who, ": accepted ", accepted, " times"));
  }
  if (accepted == 0 && delivered) {
    ++lost_;
    Mismatch(who + ": delivered in our books, never accepted by the receiver");
  } else if (accepted == 0 && reported) {
    Mismatch(who + ": a report came back for a message that was never accepted");
  } else if (accepted > 0 && !delivered && !reported && !maybe) {
    Mismatch(absl::StrCat(who, ": ", outcome, " in our books, accepted by the receiver"));
  }
}

void Ledger::Finish() {
  for (const auto& [packed, entry] : entries_) {
    const RecipientId id = RecipientId::FromPacked(packed);
    if (!entry.compared && waves_.contains(id.wave)) {
      Mismatch(absl::StrCat(id.ToString(), ": accepted by a receiver, unknown in our books"));
    }
  }
}

void Ledger::Mismatch(std::string text) {
  ++mismatch_count_;
  if (mismatches_.size() < kMismatchesMax) mismatches_.push_back(std::move(text));
}

}  // namespace wavepost::cli
