#include "tests/testnet/dsn.h"

#include <gtest/gtest.h>

#include <string>

namespace wavepost::testnet {
namespace {

DsnOrder Order() {
  return {.return_path = "b+token@bounce.example",
          .rcpt_to = "anna@a.example",
          .status = "5.1.1",
          .text = "User unknown",
          .message_id = "token@bounce.example",
          .headers = "Subject: x\r\nMessage-ID: <token@bounce.example>\r\n",
          .host = "mx.a.example",
          .arrival = absl::FromUnixSeconds(1'700'000'000)};
}

TEST(Dsn, WholeMessage) {
  EXPECT_EQ(ComposeDsn(Order(), "id1", absl::FromUnixSeconds(1'700'000'030)),
            "From: Mail Delivery System <MAILER-DAEMON@mx.a.example>\r\n"
            "To: <b+token@bounce.example>\r\n"
            "Subject: Delivery failed for one recipient\r\n"
            "Date: Tue, 14 Nov 2023 22:13:50 +0000\r\n"
            "Message-ID: <id1@mx.a.example>\r\n"
            "Auto-Submitted: auto-replied\r\n"
            "In-Reply-To: <token@bounce.example>\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=delivery-status;\r\n"
            "\tboundary=\"=_testnet_id1\"\r\n"
            "\r\n"
            "--=_testnet_id1\r\n"
            "Content-Type: text/plain; charset=us-ascii\r\n"
            "\r\n"
            "Your message was taken by mx.a.example,\r\n"
            "but it could not be delivered in the end to:\r\n"
            "\r\n"
            "    <anna@a.example>\r\n"
            "    5.1.1 User unknown\r\n"
            "\r\n"
            "It will not be tried again.\r\n"
            "\r\n"
            "--=_testnet_id1\r\n"
            "Content-Type: message/delivery-status\r\n"
            "\r\n"
            "Reporting-MTA: dns; mx.a.example\r\n"
            "Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
            "\r\n"
            "Final-Recipient: rfc822; anna@a.example\r\n"
            "Action: failed\r\n"
            "Status: 5.1.1\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n"
            "Last-Attempt-Date: Tue, 14 Nov 2023 22:13:50 +0000\r\n"
            "\r\n"
            "--=_testnet_id1\r\n"
            "Content-Type: text/rfc822-headers\r\n"
            "\r\n"
            "Subject: x\r\n"
            "Message-ID: <token@bounce.example>\r\n"
            "\r\n"
            "--=_testnet_id1--\r\n");
}

TEST(Dsn, StaysSevenBit) {
  DsnOrder order = Order();
  order.rcpt_to =
      "\xc3\xbc"
      "ber@a.example";
  order.headers = "Subject: \xc3\xbc\r\n";
  const std::string dsn = ComposeDsn(order, "id1", absl::UnixEpoch());
  EXPECT_NE(dsn.find("Final-Recipient: utf-8; \\x{FC}ber@a.example\r\n"), std::string::npos) << dsn;
  for (const char c : dsn) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
}

TEST(Dsn, ForeignTextCannotAddLines) {
  DsnOrder order = Order();
  order.text = "x\r\nStatus: 2.0.0";
  const std::string dsn = ComposeDsn(order, "id1", absl::UnixEpoch());
  EXPECT_EQ(dsn.find("\r\nStatus: 2.0.0"), std::string::npos);
}

}  // namespace
}  // namespace wavepost::testnet
