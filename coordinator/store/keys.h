// Where things lie in the coordinator's RocksDB: column families and keys. The page is README.md; a change here that
// old data cannot follow raises kFormatVersion.
//
// Keys of recipients are 8 bytes, [wave BE32][index BE32]: byte order is store order, and a wave is one range.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/recipient_id.h"

namespace wavepost {

inline constexpr int kStoreFormatVersion = 1;

// Index of a column family, as Db::cf takes it.
enum Family : size_t {
  kNames,           // kind letter + name -> tenants, domains, campaigns, nodes ...: all that is few
  kWaves,           // wave -> StoredWave
  kRecipients,      // wave, index -> StoredRecipient
  kStates,          // wave, index -> RecipientState; no row: ACCEPTED
  kAddresses,       // wave, hash of address -> index
  kBatches,         // node, sequence -> PendingBatch
  kSuppressions,    // tenant, address -> Suppression
  kSuppressionLog,  // sequence -> SuppressionChange
  kEvents,          // sequence -> StoredEvent
  kRequests,        // parent, request id -> StoredRequest
  kOrders,          // sequence -> StoredOrderRecord
  kDrops,           // sequence of the order -> StoredDrop
  kWarmUp,          // day, egress IP, domain -> recipients planned
  kFileBytes,       // name of the file -> its bytes
  kSoftBounces,     // tenant, address -> SoftBounces
  kAggregates,      // letter, day, domain ... -> what DMARC and TLS reports say; see AggregateRow
};
std::vector<std::string> FamilyNames();

// What a row of kNames is. The letters are on disk.
enum class NameKind : char {
  kTenant = 't',
  kApiKey = 'k',  // by SHA-256 of the secret -> name of the tenant
  kDomain = 'd',
  kCampaign = 'c',
  kWaveNumber = 'w',  // by name -> BE32
  kNode = 'n',
  kBouncer = 'b',
  kFile = 'f',
  kCertificate = 's',
  kIdentity = 'i',  // one row, without a name
};

std::string NameKey(NameKind kind, std::string_view name);
std::string WaveKey(uint32_t wave);
std::string RecipientKey(RecipientId id);
RecipientId ParseRecipientKey(std::string_view key);  // needs 8 bytes
// 16 bytes of SHA-256: two different addresses of one wave never meet by chance.
std::string AddressKey(uint32_t wave, std::string_view normalized_address);
std::string BatchPrefix(std::string_view node);
std::string BatchKey(std::string_view node, int64_t sequence);
std::string SuppressionPrefix(std::string_view tenant);
// `address` in any letter case.
std::string SuppressionRowKey(std::string_view tenant, std::string_view address);
std::string SequenceKey(int64_t sequence);
int64_t ParseSequenceKey(std::string_view key);  // needs 8 bytes
// Days since 1970 (UTC) first, so that what is over is one range.
std::string WarmUpPrefix(int64_t day);
std::string WarmUpRowKey(int64_t day, std::string_view egress_ip, std::string_view domain);
std::string RequestRowKey(std::string_view parent, std::string_view request_id);

// What a row of kAggregates is. The letters are on disk. Rows that grow old begin with their day (days since 1970, in
// UTC), so that what is too old stands first.
enum class AggregateRow : char {
  kReport = 'r',    // day of receipt(4) domain NUL inverted time(8) hash(16) -> AggregateReport
  kUnlisted = 'u',  // the same of a report that is summed up only -> nothing; goes when its dates are too old
  kSource = 's',    // day(4) domain NUL source address -> DmarcSource
  kSessions = 't',  // day(4) domain NUL -> TlsPolicyResult, whose sums are the day's
  kFailure = 'f',   // day(4) domain NUL hash of the kind(16) -> TlsFailure
  kSeen = 'i',      // hash of the report's identity(16) -> key of its kReport or kUnlisted row
  kCount = 'n',     // domain NUL day(4) -> rows of kSource and kFailure of the day(4), reports received on it(4)
};
std::string AggregatePrefix(AggregateRow row, int64_t day);
std::string AggregatePrefix(AggregateRow row, int64_t day, std::string_view domain);
std::string AggregateCountPrefix(std::string_view domain);
std::string AggregateCountKey(std::string_view domain, int64_t day);
// 16 bytes of SHA-256.
std::string AggregateHash(std::string_view text);

// The first key that is after every key with this prefix. Empty if there is none.
std::string PrefixEnd(std::string_view prefix);

// "tenants/x/campaigns/y" -> "tenants/x".
std::string TenantOf(std::string_view resource_name);

}  // namespace wavepost
