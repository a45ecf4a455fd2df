// The simulated internet as its YAML file describes it: sites, their behaviour, DNS records, limits.
//
// A site is what shares a set of mail hosts; a profile is a named behaviour that many sites share. README.md documents
// every key. Durations that clock_scale covers are already divided here, once, when the file is read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/testnet/dns_record.h"
#include "tests/testnet/fate.h"
#include "tests/testnet/greylist.h"

namespace wavepost::testnet {

// Where a session stands; the points where a profile can delay or cut it.
enum class Phase {
  kConnect,   // before the greeting
  kGreeting,  // in the middle of the greeting
  kEhlo,      // instead of the reply to EHLO or HELO; likewise the next three
  kMail,
  kRcpt,
  kData,
  kInData,      // when the first bytes of the message come
  kAfterDot,    // the message is complete; it is not taken and no reply is sent
  kLostReply,   // the message is taken and in the ledger, and no reply is sent: the sender cannot know
  kAfterReply,  // after the 250
};
inline constexpr size_t kPhases = 10;
std::string_view PhaseName(Phase phase);  // "in_data"
std::optional<Phase> PhaseFromName(std::string_view name);

struct LimitPolicy {  // per client IP and site; 0: no limit
  int connections_open = 0;
  int connections = 0;  // new ones in a window
  int messages = 0;     // MAIL commands in a window
  int messages_per_connection = 0;
  absl::Duration window = absl::Seconds(60);  // divided by clock_scale
};

struct DisconnectRule {
  Phase phase = Phase::kConnect;
  double share = 0;    // of the times that this phase is reached, picked by seed
  uint64_t every = 0;  // each nth time; 0: by share
};

struct FateRule {
  double share = 0;  // of all addresses; the rules of a list divide the addresses among them, in order
  Fate fate;
};

enum class StartTls { kOff, kOffer, kBroken /* offered, then the connection is closed instead of a handshake */ };

struct Profile {
  std::string name;
  GreylistPolicy greylist;
  LimitPolicy limits;
  std::array<absl::Duration, kPhases> delays{};  // before the reply of the phase; real time
  std::vector<DisconnectRule> disconnects;
  std::vector<FateRule> fates;  // the profile's own, then the scenario's
  bool local_part_fates = true;
  StartTls starttls = StartTls::kOff;
  bool pipelining = true;
  bool eight_bit_mime = true;
  bool smtputf8 = true;
};

struct MailHost {
  std::string name;
  int preference = 10;
  uint32_t address = 0;  // IPv4, host order
  bool listens = true;   // false: in the zone, but nobody answers there
};

struct Site {
  std::string name;  // its first domain
  size_t profile = 0;
  std::vector<MailHost> hosts;
};

struct Receiver {  // an address with an SMTP server
  uint32_t address = 0;
  size_t site = 0;   // whose profile rules the session up to RCPT
  std::string host;  // in the greeting
};

struct DsnPolicy {
  std::string host;  // an IPv4 address or a name of the zone; empty: the MX of the return path's domain
  uint16_t port = 25;
  absl::Duration after = absl::Seconds(30);  // after the 250; divided by clock_scale
  absl::Duration retry_delay = absl::Seconds(1);
  int attempts = 60;
  int connections = 10;
};

struct Scenario {
  double clock_scale = 1;
  uint64_t seed = 1;
  std::string ledger = "ledger.jsonl";
  bool discard_ledger = false;
  bool verify_dkim = false;
  int sample = 1;  // verify each nth message only
  uint16_t smtp_port = 0;
  size_t connections_max = 2000;
  uint64_t message_bytes_max = 10 << 20;
  absl::Duration idle_timeout = absl::Minutes(5);

  std::string dns_address = "127.0.0.1";
  uint16_t dns_port = 0;
  uint32_t dns_ttl = 60;
  std::vector<std::string> dns_servfail;  // names or "*.name"; with everything below a name
  std::vector<std::string> dns_silent;    // likewise: never answered
  std::vector<DnsRecord> records;         // of the domains, and the file's own
  std::vector<std::string> record_files;

  DsnPolicy dsn;
  FateTable fate_table;
  std::vector<Profile> profiles;  // [0] is "default"
  std::vector<Site> sites;
  std::vector<Receiver> receivers;                       // distinct addresses, ascending
  absl::flat_hash_map<std::string, uint32_t> domains;    // exact names
  absl::flat_hash_map<std::string, uint32_t> wildcards;  // "tail.example" for "*.tail.example"; "" for "*"

  // The site of a domain (lower case, no final dot): the exact name, else the nearest pattern. Nothing: not in this
  // world.
  std::optional<size_t> SiteOf(std::string_view domain) const;
  // True if the site's mail hosts include this address.
  bool Serves(uint32_t address, size_t site) const;
};

inline constexpr size_t kDomainsMax = 100'000;
inline constexpr size_t kReceiversMax = 4096;

// Reads fate files and domain files too. Errors: kInvalidArgument or kNotFound, a line per problem with file, line,
// key.
absl::StatusOr<Scenario> LoadScenario(const std::string& path);
absl::StatusOr<Scenario> ParseScenario(std::string_view text, const std::string& name);

// Text forms of IPv4 addresses; only 127.0.0.0/8 parses, for the testnet never leaves the machine.
std::optional<uint32_t> ParseLoopback(std::string_view text);
std::string Ipv4Text(uint32_t address);

// Lower-cases; nothing if it is not a host name of letters, digits, hyphens and underscores within RFC 1035's limits.
std::optional<std::string> NormalDomain(std::string_view text);

}  // namespace wavepost::testnet
