// Checks one row of an import: the address, and the values that the campaign's templates need. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/api/value_check.h"
#include "coordinator/names/content_record.h"
#include "coordinator/store/store.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost {

class MessageTemplate;

// What rows of one campaign are held against. Built once per stream; any thread.
struct RowRules {
  struct Column {
    std::string name;
    bool needed = true;  // must have a value
    bool is_json = false;
    std::string default_value = {};  // in place of a missing or blank value; empty: none
  };
  std::vector<Column> columns;  // in the order of StoredCampaign.stored_columns

  // Each row is tried on it, if `try_all`, or the row has a value of more than `try_above_bytes`; nullptr: none is. The
  // others are short enough for anything to be rendered: an import has a hundred thousand rows a second to check.
  std::shared_ptr<const MessageTemplate> message;
  bool try_all = false;
  size_t try_above_bytes = 0;

  // Errors: kInternal: the campaign was accepted once, and can no longer be compiled.
  static absl::StatusOr<RowRules> For(const cluster::v1::StoredCampaign& campaign, const ContentOptions& options);
};

// Takes the row apart (its strings are moved out). The row as it is stored, with defaults filled in, goes into
// `accepted`, or the refusal comes back:
//   MALFORMED_ADDRESS    the sentence of ParseAddress
//   MISSING_ATTRIBUTE    a column that a template uses as a variable is missing or blank, or something in its JSON is
//   ATTRIBUTE_TOO_LARGE  more than kAttributeBytesMax, for JSON kJsonAttributeBytesMax
//   BAD_ATTRIBUTE        control characters other than TAB, or not UTF-8; not JSON where that is declared
//   CANNOT_RENDER        the message would break a limit, or a Reply-To would be no address
// Only columns that are stored are looked at.
std::optional<v1::ImportRecipientsResponse::Refusal> CheckRow(const RowRules& rules, int64_t position,
                                                              v1::Recipient* row, NewRecipient* accepted);

// SHA-256 over what a chunk stores and refuses: the same chunk, the same hash, whatever the order of its attributes.
std::string ChunkHash(int64_t first_position, const std::vector<NewRecipient>& rows,
                      const std::vector<v1::ImportRecipientsResponse::Refusal>& refusals);

}  // namespace wavepost
