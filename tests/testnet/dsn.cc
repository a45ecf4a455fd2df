#include "tests/testnet/dsn.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/strings.h"

namespace wavepost::testnet {
namespace {

std::string Rfc5322Date(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", time, absl::UTCTimeZone());
}

bool IsAscii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

// RFC 6533 section 3: "rfc822; a@b", or "utf-8; \x{FC}ber@b" where the address needs it.
std::string TypedAddress(std::string_view address) {
  if (IsAscii(address) || !IsUtf8(address)) return absl::StrCat("rfc822; ", Printable(address, 320));
  std::string out = "utf-8; ";
  for (size_t i = 0; i < address.size();) {
    const unsigned char lead = static_cast<unsigned char>(address[i]);
    if (lead < 0x80) {
      if (lead == '\\' || lead == '+' || lead == '=') {
        absl::StrAppend(&out, absl::StrFormat("\\x{%X}", lead));
      } else {
        out += address[i];
      }
      ++i;
      continue;
    }
    const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    uint32_t point = lead & (0xffu >> (length + 1));
    for (size_t j = 1; j < length; ++j) point = point << 6 | (static_cast<unsigned char>(address[i + j]) & 0x3f);
    absl::StrAppend(&out, absl::StrFormat("\\x{%X}", point));
    i += length;
  }
  return out;
}

std::string SevenBit(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

}  // namespace

std::string ComposeDsn(const DsnOrder& order, const std::string& id, absl::Time now) {
  const std::string boundary = absl::StrCat("=_testnet_", id);
  const std::string shown = SevenBit(Printable(order.rcpt_to, 320));
  const std::string text = SevenBit(Printable(order.text, 400));
  std::string out;
  out.reserve(2048 + order.headers.size());
  absl::StrAppend(&out, "From: Mail Delivery System <MAILER-DAEMON@", order.host, ">\r\n",  //
                  "To: <", order.return_path, ">\r\n",                                      //
                  "Subject: Delivery failed for one recipient\r\n",                         //
                  "Date: ", Rfc5322Date(now), "\r\n",                                       //
                  "Message-ID: <", id, "@", order.host, ">\r\n",                            //
                  "Auto-Submitted: auto-replied\r\n");
  if (!order.message_id.empty()) absl::StrAppend(&out, "In-Reply-To: <", SevenBit(order.message_id), ">\r\n");
  absl::StrAppend(&out, "MIME-Version: 1.0\r\n",
                  "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"", boundary, "\"\r\n",
                  "\r\n");
  absl::StrAppend(&out, "--", boundary, "\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n",
                  "Your message was taken by ", order.host, ",\r\nbut it could not be delivered in the end to:\r\n\r\n",
                  "    <", shown, ">\r\n    ", order.status, " ", text, "\r\n\r\n",
                  "It will not be tried again.\r\n\r\n");
  absl::StrAppend(&out, "--", boundary, "\r\nContent-Type: message/delivery-status\r\n\r\n", "Reporting-MTA: dns; ",
                  order.host, "\r\n", "Arrival-Date: ", Rfc5322Date(order.arrival), "\r\n\r\n");
  // No Original-Recipient: it would have to come from an ORCPT (RFC 3464 section 2.3.1), and we do not offer DSN.
  absl::StrAppend(&out, "Final-Recipient: ", TypedAddress(order.rcpt_to), "\r\n", "Action: failed\r\n",
                  "Status: ", order.status, "\r\n", "Diagnostic-Code: smtp; ", order.status[0] == '4' ? "450 " : "550 ",
                  order.status, " ", text, "\r\n", "Last-Attempt-Date: ", Rfc5322Date(now), "\r\n\r\n");
  absl::StrAppend(&out, "--", boundary, "\r\nContent-Type: text/rfc822-headers\r\n\r\n", SevenBit(order.headers),
                  "\r\n--", boundary, "--\r\n");
  return out;
}

}  // namespace wavepost::testnet
