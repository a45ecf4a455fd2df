// Checks one row of an import: the address, and the values that the campaign's templates need. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/store/store.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost {

inline constexpr size_t kAttributeBytesMax = 4096;

// What rows of one campaign are held against. Built once per stream.
struct RowRules {
  struct Column {
    std::string name;
    bool needed = true;  // must have a value
  };
  std::vector<Column> columns;  // in the order of StoredCampaign.stored_columns

  static RowRules For(const cluster::v1::StoredCampaign& campaign);
};

// Takes the row apart (its strings are moved out). The row as it is stored goes into `accepted`, or the refusal comes
// back:
//   MALFORMED_ADDRESS    the sentence of ParseAddress
//   MISSING_ATTRIBUTE    a column that a template uses as a variable is missing or blank
//   ATTRIBUTE_TOO_LARGE  more than kAttributeBytesMax
//   BAD_ATTRIBUTE        control characters other than TAB, or not UTF-8
// Only columns that are stored are looked at.
std::optional<v1::ImportRecipientsResponse::Refusal> CheckRow(const RowRules& rules, int64_t position,
                                                              v1::Recipient* row, NewRecipient* accepted);

// SHA-256 over what a chunk stores and refuses: the same chunk, the same hash, whatever the order of its attributes.
std::string ChunkHash(int64_t first_position, const std::vector<NewRecipient>& rows,
                      const std::vector<v1::ImportRecipientsResponse::Refusal>& refusals);

}  // namespace wavepost
