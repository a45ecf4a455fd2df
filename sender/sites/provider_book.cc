#include "sender/sites/provider_book.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "common/base/check.h"
#include "common/base/strings.h"
#include "common/config/config.h"
#include "sender/sites/built_in.h"
#include "sender/sites/provider_data.h"
#include "sender/sites/site_name.h"

namespace wavepost {
namespace {

absl::StatusOr<std::shared_ptr<const ProviderBook>> FromFile(const ConfigFile& file) {
  auto data = std::make_shared<ProviderData>(ReadProviders(file.root()));
  CheckProviders(*data, file.root());
  if (absl::Status status = file.Finish(); !status.ok()) return status;
  DropNodes(data.get());
  return std::make_shared<const ProviderBook>(std::move(data));
}

}  // namespace

std::string_view ReplyActionName(ReplyAction action) {
  switch (action) {
    case ReplyAction::kNone:
      return "none";
    case ReplyAction::kSlowDown:
      return "slow_down";
    case ReplyAction::kFewerConnections:
      return "fewer_connections";
    case ReplyAction::kPauseSite:
      return "pause_site";
    case ReplyAction::kSuspendIp:
      return "suspend_ip";
  }
  return "none";
}

ProviderBook::ProviderBook(std::shared_ptr<const ProviderData> data) : data_(std::move(data)) {}

std::shared_ptr<const ProviderBook> ProviderBook::BuiltIn() {
  static const std::shared_ptr<const ProviderBook> kBook = [] {
    auto book = Parse(BuiltInProvidersYaml(), "providers.yaml (built in)");
    if (!book.ok()) std::fprintf(stderr, "%s\n", std::string(Sv(book.status().message())).c_str());
    WP_CHECK(book.ok());  // the file is ours, and a test reads it
    return *std::move(book);
  }();
  return kBook;
}

absl::StatusOr<std::shared_ptr<const ProviderBook>> ProviderBook::Load(const std::string& path) {
  absl::StatusOr<ConfigFile> file = ConfigFile::Load(path);
  if (!file.ok()) return file.status();
  return FromFile(*file);
}

absl::StatusOr<std::shared_ptr<const ProviderBook>> ProviderBook::Parse(std::string_view text,
                                                                        const std::string& name) {
  absl::StatusOr<ConfigFile> file = ConfigFile::Parse(text, name);
  if (!file.ok()) return file.status();
  return FromFile(*file);
}

ProviderBook::Site ProviderBook::SiteOf(std::span<const std::string> mx_hosts, size_t first) const {
  Site site;
  site.limits = data_->defaults;
  if (mx_hosts.empty()) return site;
  first = std::clamp<size_t>(first, 1, mx_hosts.size());
  site.mx_set = MxSetName(mx_hosts, first);

  const ProviderEntry* owner = data_->OwnerOf(mx_hosts[0]);
  for (size_t i = 1; i < first && owner != nullptr; ++i) {
    if (data_->OwnerOf(mx_hosts[i]) != owner) owner = nullptr;
  }
  if (owner == nullptr) {
    site.name = JoinedMxNames(mx_hosts);
    return site;
  }
  site.provider = owner->provider.name;
  site.limits = owner->provider.limits;
  site.name = ProviderData::SiteOfHost(*owner, mx_hosts[0]);
  for (size_t i = 1; i < first && !owner->region_before.empty(); ++i) {
    if (ProviderData::SiteOfHost(*owner, mx_hosts[i]) != site.name) site.name = owner->provider.name;
  }
  return site;
}

const ReplyRule* ProviderBook::RuleFor(std::string_view provider, const Reply& reply, Phase phase) const {
  const auto found = data_->by_name.find(Av(provider));
  if (found == data_->by_name.end()) return nullptr;
  const RuleEntry* rule = ProviderData::FirstThatFires(data_->providers[found->second], reply, phase);
  return rule == nullptr ? nullptr : &rule->rule;
}

ProviderBook::Judgement ProviderBook::Judge(std::string_view provider, const Reply& reply, Phase phase) const {
  Judgement judgement{Classify(reply, phase), nullptr};
  if (judgement.verdict.kind == Verdict::Kind::kAccepted) return judgement;
  judgement.rule = RuleFor(provider, reply, phase);
  if (judgement.rule == nullptr) return judgement;
  judgement.verdict = judgement.rule->verdict;
  if (judgement.verdict.kind == Verdict::Kind::kTemporary) {
    judgement.verdict.retry_hint = ParseRetryHint(reply.Text());
  }
  return judgement;
}

const Provider* ProviderBook::Find(std::string_view name) const {
  const auto found = data_->by_name.find(Av(name));
  return found == data_->by_name.end() ? nullptr : &data_->providers[found->second].provider;
}

size_t ProviderBook::providers() const {
  return data_->providers.size();
}

size_t ProviderBook::rules() const {
  size_t count = 0;
  for (const ProviderEntry& entry : data_->providers) count += entry.rules.size();
  return count;
}

}  // namespace wavepost
