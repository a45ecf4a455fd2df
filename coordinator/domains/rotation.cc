#include "coordinator/domains/rotation.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "coordinator/store/proto_time.h"

namespace wavepost {
namespace {

using Key = v1::DkimKeyInfo;

constexpr char kEd25519Suffix = 'e';

// What the two keys of a pair have in common. Selectors end in a digit, those of Ed25519 keys in "e" behind it.
std::string_view PairOf(std::string_view selector) {
  if (!selector.empty() && selector.back() == kEd25519Suffix) selector.remove_suffix(1);
  return selector;
}

SelectorPair PairNamed(std::string name) {
  std::string ed25519 = name + kEd25519Suffix;
  return {.rsa = std::move(name), .ed25519 = std::move(ed25519)};
}

bool IsFree(const v1::SendingDomain& domain, std::string_view pair) {
  return std::none_of(domain.dkim_keys().begin(), domain.dkim_keys().end(),
                      [&](const Key& key) { return PairOf(key.selector()) == pair; });
}

bool IsNew(const Key& key) {
  return key.state() == Key::CREATED || key.state() == Key::PUBLISHED;
}

bool Any(const v1::SendingDomain& domain, Key::State state) {
  return std::any_of(domain.dkim_keys().begin(), domain.dkim_keys().end(),
                     [&](const Key& key) { return key.state() == state; });
}

// How the last look found the key's record; UNKNOWN if it was not looked at.
v1::RecordCheck::State Seen(const v1::SendingDomain& domain, const Key& key) {
  const std::string owner = absl::StrCat(key.selector(), "._domainkey.");
  for (const v1::RecordCheck& check : domain.checks()) {
    if (check.record().purpose() == v1::DnsRecord::DKIM && absl::StartsWith(check.record().owner(), owner)) {
      return check.state();
    }
  }
  return v1::RecordCheck::UNKNOWN;
}

class Advance {
 public:
  Advance(v1::SendingDomain* domain, absl::Time now) : domain_(domain), now_(now) {}

  // A record that is gone again is waited for anew: a key must not sign before receivers can find it.
  void LookAtRecords() {
    for (Key& key : *domain_->mutable_dkim_keys()) {
      const v1::RecordCheck::State seen = Seen(*domain_, key);
      if (key.state() == Key::CREATED && seen == v1::RecordCheck::OK) {
        *key.mutable_published_time() = ToProtoTime(now_);
        Step(&key, Key::PUBLISHED);
      } else if (key.state() == Key::PUBLISHED &&
                 (seen == v1::RecordCheck::MISSING || seen == v1::RecordCheck::WRONG)) {
        key.clear_published_time();
        Step(&key, Key::CREATED);
      }
    }
  }

  void Activate() {
    const std::string pair = DuePair();
    if (pair.empty()) return;
    for (Key& key : *domain_->mutable_dkim_keys()) {
      if (PairOf(key.selector()) == pair) {
        *key.mutable_active_time() = ToProtoTime(now_);
        Step(&key, Key::ACTIVE);
      }
    }
    for (Key& key : *domain_->mutable_dkim_keys()) {
      if (key.state() != Key::ACTIVE || PairOf(key.selector()) == pair) continue;
      *key.mutable_retire_time() = ToProtoTime(now_);
      *key.mutable_remove_time() = ToProtoTime(now_ + kRemoveAfter);
      Step(&key, Key::RETIRED);
    }
  }

  void LetGo(std::vector<std::string>* destroy) {
    auto& keys = *domain_->mutable_dkim_keys();
    for (int i = 0; i < keys.size();) {
      Key& key = keys[i];
      if (key.state() != Key::RETIRED) {
        ++i;
        continue;
      }
      if (FromProtoTime(key.retire_time()) + kDestroyAfter <= now_) destroy->push_back(key.selector());
      if (FromProtoTime(key.remove_time()) > now_) {
        ++i;
        continue;
      }
      Step(&key, Key::STATE_UNSPECIFIED);
      keys.erase(keys.begin() + i);
    }
  }

  // The active RSA key, or the one that will be.
  void NameSelector() {
    const Key* best = nullptr;
    for (const Key& key : domain_->dkim_keys()) {
      if (!absl::StartsWith(key.algorithm(), "rsa") || key.state() == Key::RETIRED) continue;
      if (best == nullptr || key.state() == Key::ACTIVE) best = &key;
    }
    domain_->set_dkim_selector(best == nullptr ? "" : best->selector());
  }

  std::vector<KeyStep> TakeSteps() { return std::move(steps_); }

 private:
  void Step(Key* key, Key::State to) {
    steps_.push_back({key->selector(), key->state(), to});
    key->set_state(to);
  }

  // The pair that is to sign from now on: all of it published, and long enough unless nothing signs yet. Empty: none.
  std::string DuePair() const {
    const bool first = !Any(*domain_, Key::ACTIVE);
    for (const Key& candidate : domain_->dkim_keys()) {
      if (candidate.state() != Key::PUBLISHED) continue;
      const std::string_view pair = PairOf(candidate.selector());
      const bool due = std::all_of(domain_->dkim_keys().begin(), domain_->dkim_keys().end(), [&](const Key& key) {
        if (PairOf(key.selector()) != pair) return true;
        return key.state() == Key::PUBLISHED && (first || FromProtoTime(key.published_time()) + kActivateAfter <= now_);
      });
      if (due) return std::string(pair);
    }
    return "";
  }

  v1::SendingDomain* const domain_;
  const absl::Time now_;
  std::vector<KeyStep> steps_;
};

}  // namespace

SelectorPair NextSelectors(const v1::SendingDomain& domain, absl::Time now) {
  if (domain.mode() == v1::SendingDomain::CNAME) {
    for (const char* const pair : {"wp1", "wp2"}) {
      if (IsFree(domain, pair)) return PairNamed(pair);
    }
    return {};
  }
  const std::string day = absl::FormatTime("wp%Y%m%d", now, absl::UTCTimeZone());
  if (IsFree(domain, day)) return PairNamed(day);
  // Ends: a domain has a finite number of keys.
  for (int i = 2;; ++i) {
    const std::string pair = absl::StrCat(day, "-", i);
    if (IsFree(domain, pair)) return PairNamed(pair);
  }
}

std::vector<KeyStep> AdvanceKeys(v1::SendingDomain* domain, absl::Time now, std::vector<std::string>* destroy) {
  Advance advance(domain, now);
  advance.LookAtRecords();
  advance.Activate();
  advance.LetGo(destroy);
  advance.NameSelector();
  return advance.TakeSteps();
}

bool RotationUnderWay(const v1::SendingDomain& domain) {
  return std::any_of(domain.dkim_keys().begin(), domain.dkim_keys().end(), IsNew);
}

bool RotationDue(const v1::SendingDomain& domain, absl::Time now) {
  if (domain.dkim_keys().empty()) return true;
  if (domain.mode() != v1::SendingDomain::CNAME || RotationUnderWay(domain)) return false;
  if (NextSelectors(domain, now).rsa.empty()) return false;
  return std::any_of(domain.dkim_keys().begin(), domain.dkim_keys().end(), [&](const Key& key) {
    return key.state() == Key::ACTIVE && FromProtoTime(key.active_time()) + kRotateAfter <= now;
  });
}

}  // namespace wavepost
