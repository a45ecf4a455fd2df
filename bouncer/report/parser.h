// Reads what came back to a return path: MIME by GMime, the delivery status by status_fields.h.
#pragma once

#include <cstddef>
#include <string_view>

#include "bouncer/report/document.h"
#include "bouncer/report/report.h"

namespace wavepost {

// Any bytes are allowed; never fails: what cannot be read is simply not in the result. Header lines end with LF or
// CRLF.
//
// The per-recipient groups come from every message/delivery-status (or message/global-delivery-status) part outside of
// the returned original. If a multipart/report has no such part that can be read (broken borders, wrong types), its
// bytes are searched for the fields themselves.
//
// Pure, and any thread: GMime is set up once on the first call and shares nothing between parses.
// Limits: mime_head.h for the bytes, those above for what is walked. Time is linear in the head.
Report ParseReport(std::string_view message);

}  // namespace wavepost
