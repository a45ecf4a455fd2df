// From a mail and the addresses it came to, to the records that the outbox keeps: who is decided here. Pure.
//
// Order of trust: a genuine token in the envelope names the recipient, whatever the mail says. Without one, a genuine
// token inside: in the returned original's header or in the feedback report. It stands in the mail that we sent, so
// whoever shows it has that mail, and may report on its one recipient. Everything else is about nobody: it is recorded
// with recipient_id 0, and suppresses nobody.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "bouncer/intake/envelope.h"
#include "common/mail/verp.h"
#include "wavepost/cluster/v1/bounce_feed_service.pb.h"

namespace wavepost {

// Reports about nobody that one mail may make; more are dropped.
inline constexpr size_t kUnattributedMax = 10;

// The recipient that a local part "b+TOKEN" or "u+TOKEN" names, if its token is genuine.
std::optional<RecipientId> RecipientOfLocalPart(const TokenKeys& keys, std::string_view local_part);

// The one recipient that the local parts name. Those of return paths count before those of unsubscribe links, as mail
// that is answered or forwarded carries the latter along. Nothing if none is genuine, or if they name several.
std::optional<RecipientId> RecipientOfTokens(const TokenKeys& keys, const std::vector<std::string>& local_parts);

// What came in by mail, but for aggregate reports. Sequences are 0.
//   recipients     one record each, with all findings as one (Combine)
//   unsubscribes   one record each: that they wrote is enough, what they wrote is not looked at
//   feedback       one record about the recipient whose token stands inside, else up to kUnattributedMax about nobody
std::vector<cluster::v1::BounceReport> RecordsOfMail(std::string_view message, const Envelope& envelope,
                                                     const TokenKeys& keys, absl::Time now);

// What came to the address for DMARC and TLS reports: the report, or if it cannot be read a record about nobody that
// says why.
cluster::v1::BounceReport RecordOfAggregate(std::string_view message, absl::Time now);

// What a platform handed in. `envelope_recipient`: an address, or empty. At least one record.
std::vector<cluster::v1::BounceReport> RecordsOfIngest(std::string_view message, std::string_view envelope_recipient,
                                                       const TokenKeys& keys, absl::Time now);

// A post to the unsubscribe page.
cluster::v1::BounceReport RecordOfPage(RecipientId recipient, absl::Time now);

}  // namespace wavepost
