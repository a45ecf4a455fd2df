// Judges what stands where a DKIM key, or the alias to one, should stand. Pure; what stands there is hostile.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/domains/verdict.h"

namespace wavepost {

// A key record that a domain should have.
struct DkimWanted {
  std::string owner;  // "wp20261122._domainkey.customer.example"
  std::string text;   // "v=DKIM1; k=rsa; p=..."
};

// texts:  the TXT records at wanted.owner, each joined.
// others: the domain's other keys, to tell when two have been exchanged.
Verdict JudgeDkimText(const DkimWanted& wanted, const std::vector<DkimWanted>& others,
                      const std::vector<std::string>& texts);

// True if one of the texts holds the key of wanted.text, whatever else is wrong with it.
bool HoldsDkimKey(std::string_view wanted_text, const std::vector<std::string>& texts);

// What stands at the owner of a CNAME record to one of our keys.
struct DkimAliasSight {
  std::string owner;
  std::string target;              // where the alias should lead
  std::string cname;               // where it leads; empty: it is none
  std::vector<std::string> texts;  // TXT records at the owner, aliases followed
  std::string key;                 // what should stand at the end of it; empty: no key is in use there
};
Verdict JudgeDkimAlias(const DkimAliasSight& sight);

}  // namespace wavepost
