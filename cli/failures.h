// Sums failures up by outcome and reason, each with the domain that it is most frequent at. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost::cli {

// Domains are counted one by one up to this many per reason, the rest together.
inline constexpr size_t kFailureDomainsMax = 10000;

class Failures {
 public:
  struct Line {
    std::string outcome, reason;
    int64_t count = 0;
    std::string top_domain;
    int64_t top_domain_count = 0;
    std::string example;  // a reply at the top of the list, printable; may be empty
  };

  void Add(const v1::Recipient& recipient);
  std::vector<Line> top(size_t lines_max) const;  // most frequent first

 private:
  struct Reason {
    int64_t count = 0;
    std::map<std::string, int64_t> domains;
    std::string example;
  };
  std::map<std::pair<std::string, std::string>, Reason> reasons_;
};

}  // namespace wavepost::cli
