#include "tests/testnet/greylist.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "tests/testnet/stable_hash.h"

namespace wavepost::testnet {
namespace {

constexpr uint64_t kTripletSeed = 1;
constexpr uint64_t kClientSeed = 2;

bool IsWordByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

}  // namespace

std::string GreylistSender(std::string_view mail_from) {
  const size_t at = mail_from.rfind('@');
  if (at == std::string_view::npos) return AsciiLower(mail_from);
  std::string_view local = mail_from.substr(0, at);
  local = local.substr(0, local.find('+'));
  std::string out;
  for (size_t i = 0; i < local.size();) {
    size_t end = i;
    bool all_digits = true;
    while (end < local.size() && IsWordByte(local[end])) {
      all_digits = all_digits && absl::ascii_isdigit(static_cast<unsigned char>(local[end]));
      ++end;
    }
    if (end == i) {
      out += local[i++];
      continue;
    }
    if (all_digits) {
      out += '#';
    } else {
      out += local.substr(i, end - i);
    }
    i = end;
  }
  out += mail_from.substr(at);
  return AsciiLower(out);
}

Greylist::Result Greylist::Check(const GreylistPolicy& policy, std::string_view scope, uint32_t client_ip,
                                 std::string_view mail_from, std::string_view rcpt_to, absl::Time now) {
  const std::string client = absl::StrCat(Av(scope), " ", client_ip >> 8);
  const uint64_t client_key = StableHash(kClientSeed, client);
  if (policy.whitelist_after > 0) {
    const auto passes = passes_by_client_.find(client_key);
    if (passes != passes_by_client_.end() && passes->second >= policy.whitelist_after) return {.pass = true};
  }
  if (triplets_.size() >= kTripletsMax) triplets_.clear();
  const uint64_t key =
      StableHash(kTripletSeed, absl::StrCat(client, "/", GreylistSender(mail_from), "/", AsciiLower(rcpt_to)));
  const auto [entry, is_new] = triplets_.try_emplace(key, Triplet{now, now});
  Triplet& triplet = entry->second;
  const bool stale =
      !is_new && triplet.first == triplet.last && !triplet.passed && now - triplet.first > policy.retry_window;
  if (stale) triplet.first = now;
  triplet.last = now;
  const absl::Duration remaining = policy.delay - (now - triplet.first);
  if (!triplet.passed && remaining > absl::ZeroDuration()) {
    return {.pass = false, .early = !is_new && !stale, .remaining = remaining};
  }
  triplet.passed = true;
  ++passes_by_client_[client_key];
  return {.pass = true};
}

}  // namespace wavepost::testnet
