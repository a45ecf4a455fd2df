#include "coordinator/domains/spf_walk.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "common/base/strings.h"
#include "coordinator/domains/domain_lookup.h"

namespace wavepost {
namespace {

class Walker {
 public:
  Walker(DomainLookup* lookup, std::string ours) : lookup_(lookup), ours_(AsciiLower(ours)) {}

  // live: nothing before it ends the evaluation. passes: a match within it is a pass of the whole.
  Awaitable<void> Record(std::string domain, SpfRecord record, bool live, bool passes, int depth) {
    path_.push_back(AsciiLower(domain));
    std::string behind;  // the "all" before the term
    const bool has_all = record.Find(SpfTerm::kAll) != nullptr;
    for (const SpfTerm& term : record.terms) {
      if (walk_.ended) break;
      if (depth == 0) own_term_ = term.text;
      const int before = walk_.lookups;
      const bool here = live && behind.empty();
      if (term.kind == SpfTerm::kAll) {
        if (here && term.qualifier == '+' && passes && walk_.passes_all.empty()) walk_.passes_all = domain;
        if (behind.empty()) behind = term.text;
      } else if (term.kind == SpfTerm::kInclude) {
        if (AsciiLower(term.domain) == ours_) SeeOurs(term, here, passes, behind);
        if (behind.empty()) co_await Enter(term, here, passes && term.qualifier == '+', depth);
      } else if (behind.empty() && term.kind != SpfTerm::kRedirect) {
        co_await Probe(domain, term, depth);
      }
      if (depth == 0 && walk_.lookups > before) walk_.costs.emplace_back(term.text, walk_.lookups - before);
    }
    if (const SpfTerm* redirect = record.Find(SpfTerm::kRedirect); redirect != nullptr && !has_all && !walk_.ended) {
      const SpfTerm term = *redirect;
      if (depth == 0) own_term_ = term.text;
      const int before = walk_.lookups;
      co_await Enter(term, live, passes, depth);
      if (depth == 0) walk_.costs.emplace_back(term.text, walk_.lookups - before);
    }
    path_.pop_back();
  }

  SpfWalk Result() && { return std::move(walk_); }

 private:
  void Fail(SpfWalk::Trouble trouble, const std::string& name) {
    if (walk_.trouble != SpfWalk::kNone) return;
    walk_.trouble = trouble;
    walk_.trouble_name = name;
    walk_.trouble_term = own_term_;
    walk_.trouble_below = path_.size() > 1 || trouble == SpfWalk::kSyntax || trouble == SpfWalk::kTwoRecords;
  }

  void SeeOurs(const SpfTerm& term, bool here, bool passes, const std::string& behind) {
    const bool good = passes && term.qualifier == '+';
    const SpfWalk::Ours found = !here ? SpfWalk::kBehindAll : good ? SpfWalk::kEffective : SpfWalk::kQualified;
    if (found <= walk_.ours) return;
    walk_.ours = found;
    walk_.ours_term = term.text;
    walk_.ours_behind = behind;
  }

  bool Count() {
    if (++walk_.lookups > kSpfLookupsCountedMax) walk_.ended = true;
    return !walk_.ended;
  }

  void Void(const std::string& name) { walk_.voids.emplace_back(name, own_term_); }

  // The record of an include or a redirect.
  Awaitable<void> Enter(SpfTerm term, bool live, bool passes, int depth) {
    if (!Count() || HasMacros(term.domain)) co_return;
    const std::string name = AsciiLower(term.domain);
    if (std::find(path_.begin(), path_.end(), name) != path_.end() || depth >= kSpfDepthMax) {
      Fail(SpfWalk::kLoop, term.domain);
      co_return;
    }
    const absl::StatusOr<std::vector<std::string>> texts = co_await lookup_->Txt(name);
    if (!texts.ok()) {
      if (walk_.unanswered.empty()) walk_.unanswered = name;
      co_return;
    }
    if (texts->empty()) Void(name);
    const auto count = std::count_if(texts->begin(), texts->end(), IsSpf);
    if (count != 1) {
      Fail(count == 0 ? SpfWalk::kNoRecord : SpfWalk::kTwoRecords, name);
      co_return;
    }
    SpfRecord record = ParseSpf(*std::find_if(texts->begin(), texts->end(), IsSpf));
    if (!record.faults.empty()) {
      if (walk_.trouble == SpfWalk::kNone) walk_.fault = record.faults.front();
      Fail(SpfWalk::kSyntax, name);
      co_return;
    }
    co_await Record(name, std::move(record), live, passes, depth + 1);
  }

  // A term that asks for addresses or hosts.
  Awaitable<void> Probe(std::string domain, SpfTerm term, int depth) {
    if (term.kind != SpfTerm::kA && term.kind != SpfTerm::kMx && term.kind != SpfTerm::kPtr &&
        term.kind != SpfTerm::kExists) {
      co_return;
    }
    if (term.kind == SpfTerm::kPtr && depth == 0) walk_.uses_ptr = true;
    if (!Count() || term.kind == SpfTerm::kPtr || HasMacros(term.domain)) co_return;
    const std::string name = AsciiLower(term.domain.empty() ? domain : term.domain);
    if (term.kind == SpfTerm::kMx) {
      const absl::StatusOr<std::vector<MxRecord>> hosts = co_await lookup_->Mx(name);
      if (!hosts.ok() && walk_.unanswered.empty()) walk_.unanswered = name;
      if (!hosts.ok()) co_return;
      if (hosts->empty()) Void(name);
      if (hosts->size() > kSpfMxHostsAllowed) Fail(SpfWalk::kMxHosts, name);
    } else {
      const absl::StatusOr<bool> there = co_await lookup_->HasAddress(name);
      if (!there.ok() && walk_.unanswered.empty()) walk_.unanswered = name;
      if (there.ok() && !*there) Void(name);
    }
  }

  DomainLookup* const lookup_;
  const std::string ours_;
  SpfWalk walk_;
  std::vector<std::string> path_;  // the names that led here, the record's own first
  std::string own_term_;           // of the first record, the one under way
};

}  // namespace

Awaitable<SpfWalk> WalkSpf(DomainLookup* lookup, std::string domain, SpfRecord record, std::string ours) {
  Walker walker(lookup, std::move(ours));
  co_await walker.Record(std::move(domain), std::move(record), /*live=*/true, /*passes=*/true, /*depth=*/0);
  co_return std::move(walker).Result();
}

}  // namespace wavepost
