// The parsed form of providers.yaml, for provider_book.cc and the validator only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/config/config.h"
#include "common/smtp/classify.h"
#include "common/smtp/reply.h"
#include "sender/sites/provider_book.h"

namespace wavepost {

inline constexpr size_t kProvidersMax = 1000;
inline constexpr size_t kRulesPerProviderMax = 100;
inline constexpr size_t kHostsPerProviderMax = 1000;  // suffixes, and sample hosts
inline constexpr size_t kRegionBytesMax = 16;

// A reply rule with what it looks for.
struct RuleEntry {
  ReplyRule rule;
  std::vector<int> codes;             // empty: any that fits the outcome
  std::vector<std::string> enhanced;  // "7.28", "7.*"; empty: any or none
  uint16_t phases = 0xffff;           // bits 1 << Phase
  std::string text;                   // MatchesWords pattern; empty: any
  std::string unless;                 // MatchesWords pattern that must not match; empty: nothing
  std::string sample;
  Phase sample_phase = Phase::kRcpt;
  std::optional<ConfigNode> node;  // for problems, until the data is checked
};

struct SampleHost {
  std::string host;
  std::string site;
  std::optional<ConfigNode> node;
};

struct ProviderEntry {
  Provider provider;
  std::vector<std::string> mx;  // ".example.com" (any host below it) or "mx.example.com" (this host)
  // The part of a host name between these two is its region, and each region a site. Empty before: none.
  std::string region_after;
  std::string region_before;
  std::vector<SampleHost> samples;
  std::vector<RuleEntry> rules;
  std::optional<ConfigNode> node;
};

struct ProviderData {
  SiteLimits defaults;
  std::vector<ProviderEntry> providers;
  absl::flat_hash_map<std::string, size_t> by_host;  // an mx entry -> index; filled by the reader
  absl::flat_hash_map<std::string, size_t> by_name;

  // The provider that owns a host: the longest entry that fits; null if nobody does.
  const ProviderEntry* OwnerOf(std::string_view host) const;
  // The site of a host of this provider: its name, with the region if there is one.
  static std::string SiteOfHost(const ProviderEntry& provider, std::string_view host);
  static const RuleEntry* FirstThatFires(const ProviderEntry& provider, const Reply& reply, Phase phase);
};

// Reads every key; what is wrong with single values becomes a problem of the file. Never fails by itself.
ProviderData ReadProviders(const ConfigNode& root);

// What is wrong between values becomes problems too: entries that can never match, rules that never fire. Needs the
// nodes that the reader left in the data.
void CheckProviders(const ProviderData& data, const ConfigNode& root);

// Lets go of the parsed file.
void DropNodes(ProviderData* data);

}  // namespace wavepost
