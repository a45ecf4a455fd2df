// What a message that came back to a return path says, without judging it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wavepost {

// One per-recipient group of a delivery status notification (RFC 3464 section 2.3). Everything is what the other side
// wrote, made printable and cut to kReportFieldBytesMax; an absent field is empty. Nothing in here is trusted.
struct ReportedRecipient {
  std::string final_recipient;     // address without its type; RFC 6533 escapes undone
  std::string original_recipient;  // the same
  std::string action;              // lower case: "failed", "delayed", "delivered", "relayed", "expanded"
  std::string status;              // "5.1.1"
  std::string diagnostic;          // with its type: "smtp; 550 5.1.1 ..."; unfolded
  std::string reporting_mta;       // name without its type
  std::string remote_mta;          // the same
  std::string context;             // what the text beside it says; judged where the rest says nothing
  std::string format;              // name of the format that gave it (formats/); empty: a status part of RFC 3464

  friend bool operator==(const ReportedRecipient&, const ReportedRecipient&) = default;
};

inline constexpr size_t kReportRecipientsMax = 100;
inline constexpr size_t kReportFieldBytesMax = 2048;

}  // namespace wavepost
