#include "bouncer/formats/complete.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kContextBytesMax = 1500;
constexpr size_t kBriefBytes = 40;       // a diagnostic below this may need the text beside it
constexpr size_t kLinesToLocalPart = 4;  // below "the following recipients"

bool Contains(const std::vector<std::string>& addresses, std::string_view address) {
  return std::any_of(addresses.begin(), addresses.end(),
                     [address](const std::string& other) { return EqualsIgnoreCase(other, address); });
}

void AddUnique(std::string_view address, std::vector<std::string>* addresses) {
  if (addresses->size() < kReportRecipientsMax && !Contains(*addresses, address)) addresses->emplace_back(address);
}

std::vector<std::string> AddressesOf(const HeaderFields& fields, std::string_view name) {
  std::vector<std::string> addresses;
  for (const HeaderField& field : fields.fields) {
    if (field.name != name) continue;
    std::string_view value = field.value;
    // FindAddresses stops at ten; a list of recipients may be longer.
    while (!value.empty() && addresses.size() < kReportRecipientsMax) {
      const std::vector<AddressAt> found = FindAddresses(value);
      for (const AddressAt& at : found) AddUnique(at.address, &addresses);
      if (found.empty()) break;
      value.remove_prefix(found.back().end);
    }
  }
  return addresses;
}

bool IsRole(std::string_view address) {
  constexpr std::array<std::string_view, 6> kRoles = {"postmaster@", "mailer-daemon@", "abuse@",
                                                      "hostmaster@", "helpdesk@",      "support@"};
  return std::any_of(kRoles.begin(), kRoles.end(),
                     [address](std::string_view role) { return StartsWithIgnoreCase(address, role); });
}

// Drops the addresses for which `unwanted` is true, unless nothing would be left.
template <class Unwanted>
void DropUnlessAll(std::vector<std::string>* addresses, Unwanted unwanted) {
  std::vector<std::string> rest;
  for (const std::string& address : *addresses) {
    if (!unwanted(address)) rest.push_back(address);
  }
  if (!rest.empty()) *addresses = std::move(rest);
}

const HeaderFields& OriginalOf(const Document& document, const Notice& notice) {
  return document.original.Has("to") ? document.original : notice.original;
}

// A name within the reporting system: "user@ims-ms-daemon".
bool IsInternal(std::string_view address) {
  return address.find('.', address.rfind('@') + 1) == std::string_view::npos;
}

// The whole of it is one address, not a source route, a pipe or a name.
bool IsAddress(std::string_view text) {
  const std::vector<AddressAt> found = FindAddresses(text);
  return found.size() == 1 && found.front().begin == 0 && found.front().end == text.size();
}

// A name without a domain, alone on a line below "the following recipients": the domain is that of the reporter.
std::string LocalPartAlone(const Document& document, const Notice& notice) {
  const std::vector<std::string> from = AddressesOf(document.headers, "from");
  if (from.empty()) return {};
  const std::string domain = from.front().substr(from.front().rfind('@'));
  size_t wanted = 0;
  for (const NoticeLine& line : notice.lines) {
    if (wanted > 0 && !line.text.empty()) {
      --wanted;
      std::string_view name = line.text;
      while (!name.empty() && std::string_view("<\"'*- ").find(name.front()) != std::string_view::npos)
        name.remove_prefix(1);
      name = name.substr(0, name.find_first_of(" >:\"'("));
      if (!name.empty() && line.text.find_first_of(" @") == std::string_view::npos)
        return absl::StrCat(Av(name), domain);
    }
    if (line.recipients_follow) wanted = kLinesToLocalPart;
  }
  return {};
}

std::vector<std::string> OfRank(const std::vector<Mention>& mentions, MentionRank rank, size_t first_line) {
  std::vector<std::string> addresses;
  for (const Mention& mention : mentions) {
    if (mention.rank == rank && mention.line >= first_line) AddUnique(mention.address, &addresses);
  }
  return addresses;
}

bool SaysLittle(const ReportedRecipient& group) {
  return group.diagnostic.size() < kBriefBytes || group.status.empty() || group.status.ends_with(".0.0") ||
         group.diagnostic.find('5') == std::string::npos;
}

// Higher is worse for the recipient.
int Weight(const ReportedRecipient& group) {
  const int action = group.action.starts_with("fail") ? 4 : group.action == "delayed" ? 2 : 0;
  return 2 * action + (group.diagnostic.empty() ? 0 : 1);
}

// One group per address; of several the worst one.
void MakeUnique(std::vector<ReportedRecipient>* groups) {
  std::vector<ReportedRecipient> unique;
  for (ReportedRecipient& group : *groups) {
    const auto same = std::find_if(unique.begin(), unique.end(), [&group](const ReportedRecipient& other) {
      return !group.final_recipient.empty() && EqualsIgnoreCase(other.final_recipient, group.final_recipient);
    });
    if (same == unique.end()) {
      unique.push_back(std::move(group));
    } else if (Weight(group) > Weight(*same)) {
      *same = std::move(group);
    }
  }
  *groups = std::move(unique);
}

bool HasAddress(const ReportedRecipient& group) {
  return IsAddress(group.final_recipient);
}

// Gives the group that names nobody the address that the text names and no other group has. With two such groups
// nobody knows whose it is.
void FindMissingAddress(const Document& document, const Notice& notice, const std::vector<Mention>& mentions,
                        std::vector<ReportedRecipient>* groups) {
  ReportedRecipient* lacking = nullptr;
  std::vector<std::string> taken;
  for (ReportedRecipient& group : *groups) {
    const std::vector<AddressAt> inside = FindAddresses(group.final_recipient);
    if (!HasAddress(group) && inside.size() == 1 && inside.front().begin > 0 && group.final_recipient.front() != '@') {
      group.final_recipient = inside.front().address;  // "|/usr/bin/filter a@example.com"
    }
    if (HasAddress(group)) {
      taken.push_back(group.final_recipient);
    } else if (lacking != nullptr) {
      return;
    } else {
      lacking = &group;
    }
  }
  if (lacking == nullptr) return;
  std::vector<std::string> failed = FailedAddresses(document, notice, mentions);
  std::erase_if(failed, [&taken](const std::string& address) { return Contains(taken, address); });
  if (failed.size() == 1) lacking->final_recipient = failed.front();
}

}  // namespace

std::vector<std::string> FailedAddresses(const Document& document, const Notice& notice,
                                         const std::vector<Mention>& mentions) {
  std::vector<std::string> failed = AddressesOf(document.headers, "x-failed-recipients");
  if (!failed.empty()) return failed;

  const std::vector<std::string> sender = AddressesOf(document.headers, "to");
  const std::vector<std::string> reporter = AddressesOf(document.headers, "from");
  const std::vector<std::string> original_to = AddressesOf(OriginalOf(document, notice), "to");
  const auto unlikely = [&](std::string_view address) {
    return (Contains(sender, address) && !Contains(original_to, address)) || Contains(reporter, address) ||
           IsRole(address);
  };

  size_t first_line = 0;
  for (size_t i = 0; i < notice.lines.size() && first_line == 0; ++i) {
    if (notice.lines[i].recipients_follow) first_line = i;
  }
  failed = OfRank(mentions, MentionRank::kBlock, first_line);
  if (failed.empty()) failed = OfRank(mentions, MentionRank::kBlock, 0);
  DropUnlessAll(&failed, unlikely);
  DropUnlessAll(&failed, [&](std::string_view address) { return Contains(sender, address); });
  const bool doubtful =
      failed.size() == 1 && ((unlikely(failed.front()) && original_to.size() == 1) || IsInternal(failed.front()));
  if (!failed.empty() && !doubtful) return failed;

  const std::vector<std::string> internal = doubtful ? std::exchange(failed, {}) : std::vector<std::string>();
  failed = OfRank(mentions, MentionRank::kLabel, 0);
  DropUnlessAll(&failed, IsInternal);
  DropUnlessAll(&failed, unlikely);
  DropUnlessAll(&failed, [&](std::string_view address) { return Contains(sender, address); });
  if (failed.size() == 1 && !unlikely(failed.front())) return failed;
  if (original_to.size() == 1) return original_to;
  if (!failed.empty()) return failed;
  if (!internal.empty() && IsInternal(internal.front())) return internal;

  if (std::string address = LocalPartAlone(document, notice); !address.empty()) return {std::move(address)};
  failed = OfRank(mentions, MentionRank::kSomewhere, 0);
  for (const AddressAt& at : FindAddresses(document.headers.Get("subject"))) AddUnique(at.address, &failed);
  std::erase_if(failed, [&](const std::string& address) { return unlikely(address) || Contains(sender, address); });
  if (failed.size() > 1) failed.clear();
  return failed;
}

void CompleteGroups(const Document& document, std::vector<ReportedRecipient>* groups) {
  for (ReportedRecipient& group : *groups) {
    if (!IsAddress(group.final_recipient) && IsAddress(group.original_recipient)) {
      group.final_recipient = group.original_recipient;
    }
  }
  MakeUnique(groups);

  if (std::none_of(groups->begin(), groups->end(), [&](const ReportedRecipient& group) {
        return !HasAddress(group) || (group.action != "delivered" && SaysLittle(group));
      })) {
    return;
  }
  const Notice notice = Notice::Of(document);
  const std::vector<Mention> mentions = FindMentions(notice);
  FindMissingAddress(document, notice, mentions, groups);
  MakeUnique(groups);
  for (ReportedRecipient& group : *groups) {
    if (!SaysLittle(group)) continue;
    for (const Mention& mention : mentions) {
      if (mention.rank == MentionRank::kSomewhere || !EqualsIgnoreCase(mention.address, group.final_recipient))
        continue;
      group.context = absl::StrCat(mention.own, " ", mention.following);
      break;
    }
    if (group.context.size() > 1 || groups->size() > 1) continue;
    for (const NoticeLine& line : notice.lines) {
      if (group.context.size() >= kContextBytesMax) break;
      absl::StrAppend(&group.context, Av(line.text), " ");
    }
  }
}

}  // namespace wavepost
