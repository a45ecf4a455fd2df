// Names next to the right one, at which people publish a record by mistake. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wavepost {

struct Neighbour {
  std::string name;     // where to look
  std::string problem;  // behind the record's kind: "ZONE_TWICE"
  std::string why;      // the end of "The record stands at NAME", and what to do about it
};

inline constexpr size_t kNeighboursMax = 8;

// owner:        "wp1._domainkey.news.customer.example"
// domain:       "news.customer.example", a suffix of the owner or the owner itself
// organization: "customer.example": most likely the zone
std::vector<Neighbour> Neighbours(std::string_view owner, std::string_view domain, std::string_view organization);

}  // namespace wavepost
