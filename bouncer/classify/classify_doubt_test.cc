// Refusals that sound like a wrong address and are about a fault that passes, the sender, or the message: they mark no
// address. Beside each the refusal that resembles it and does.
#include <gtest/gtest.h>

#include <string>

#include "bouncer/classify/classify.h"

namespace wavepost {
namespace {

struct DoubtRow {
  bool hard;
  const char* diagnostic;
};

constexpr DoubtRow kDoubt[] = {
    // --- switched off, but not a mailbox, or not for ever
    {false, "550 We no longer accept mail from your provider"},
    {false, "550 The certificate no longer active"},
    {false, "550 Address verification disabled, try later"},
    {false, "550 User authentication disabled on this port"},
    {false, "550 mailbox closed for maintenance until Monday"},
    {false, "550 account temporarily locked, try again tomorrow"},
    {false, "550 The account has been blocked for 1 hour"},
    {false, "550 Postfach vorübergehend deaktiviert"},
    {false, "550 La cuenta esta temporalmente deshabilitada"},
    {true, "550 This mailbox has been disabled"},
    {true, "550 The account has been blocked"},
    // --- a domain that refuses us is not unknown
    {false, "550 Diese Domain nimmt Mails von Ihrem Anbieter nicht an"},
    {false, "550 5.7.1 This domain does not accept mail from Asia"},
    {false, "550 Sender has nullMX"},
    {false, "550 domain us.example does not exist, rejecting your mail"},
    {false, "550 no such domain in our allow list for senders"},
    {true, "550 Diese Domain existiert nicht"},
    {true, "550 Die Domain x.test ist hier nicht bekannt"},
    {true, "550 This domain does not accept mail"},
    {true, "550 no such domain here"},
    // --- who has moved
    {false, "550 Our server has moved, please look up the new MX and retry"},
    {true, "550 The recipient has moved, please ask for the new address"},
    // --- what could not be found
    {false, "550 The DNS A record for mail.us.example could not be found"},
    {false, "550 Message-Id could not be found in the header of this mail"},
    {false, "550 List-Unsubscribe inexistent"},
    {false, "550 5.7.1 No account manager allows this"},
    {false, "550 recipient could not be verified at this time, verification server down"},
    {false, "550 Requested action not taken: mailbox unavailable due to reputation of sending host"},
    {false, "550 Invalid address in header field From"},
    {true, "550 The address a@x.test could not be found"},
    {true, "550 User not found in our database"},
    {true, "550 No such user, please remove the address from your list"},
    {true, "550 5.1.1 Recipient not found by LDAP, check the address and try again"},
    {true, "550 Invalid address"},
    // --- a code that the words contradict
    {false, "550 5.1.1 LDAP lookup failure, try again later"},
    {false, "550 5.1.1 temporary lookup failure"},
    {false, "550 5.1.1 user lookup failed, database error"},
    {false, "550 5.1.1 Recipient temporarily unavailable"},
    {false, "550 5.1.1 User lookup timeout"},
    {false, "550 5.1.1 unable to look up user, please retry"},
    {false, "550 5.1.1 directory not reachable"},
    {false, "550 5.2.1 Mailbox temporarily disabled"},
    {false, "554 5.1.2 <a@x.test>: relay lookup temporarily impossible"},
    {false, "550 5.2.1 Message refused, content restrictions"},
    {false, "550 5.1.1 Rejected: your message contains a bad link"},
    {false,
     "550 5.1.1 <a@x.test>: Recipient address rejected: undeliverable address: connect to mx1[192.0.2.1]:25: "
     "Connection timed out"},
    {false,
     "550 5.1.1 <a@x.test>: Recipient address rejected: undeliverable address: connect to mx1[192.0.2.1]:25: "
     "Connection refused"},
    {true,
     "550 5.1.1 <a@x.test>: Recipient address rejected: undeliverable address: host mx1[192.0.2.1] said: 550 "
     "User unknown"},
    {true, "550 5.1.1 Rejected: your message names a user unknown here"},
    {true, "550 5.2.1 Closed by its owner"},
    // --- after the message, an address is one in its header
    {false, "550 Address rejected (in reply to end of DATA command)"},
    {false, "550 5.1.1 Invalid address in To header (in reply to end of DATA command)"},
    {false, "550 Invalid address (in reply to end of DATA command)"},
    {true, "550 Address rejected (in reply to RCPT TO command)"},
    {true, "550 5.1.1 User unknown (in reply to end of DATA command)"},
};

TEST(ClassifyDoubtTest, MarksNoAddressOnWordsAboutSomethingElse) {
  for (const DoubtRow& row : kDoubt) {
    const Finding got = ClassifyRecipient({.final_recipient = "a@x.test",
                                           .action = "failed",
                                           .status = "5.0.0",
                                           .diagnostic = std::string("smtp; ") + row.diagnostic});
    EXPECT_EQ(got.bounce_class == wavepost::v1::HARD, row.hard) << row.diagnostic << " | taken by " << got.rule;
  }
}

}  // namespace
}  // namespace wavepost
