// Finds the mail addresses in a notice and says how likely each is the one that failed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bouncer/formats/notice.h"

namespace wavepost {

struct AddressAt {
  size_t begin = 0;  // in the line
  size_t end = 0;
  std::string address;
};

// The addresses of a line, at most 10. "<a@b.c>:" gives a@b.c from 1 to 6; quoted local parts keep their quotes.
std::vector<AddressAt> FindAddresses(std::string_view line);

// Better is larger.
enum class MentionRank {
  kSomewhere,  // in a sentence about something else
  kLabel,      // after "To:", "Recipient:"
  kBlock,      // a line begins with it, or the words before say that it failed
};

struct Mention {
  std::string address;
  MentionRank rank = MentionRank::kSomewhere;
  size_t line = 0;        // index into Notice::lines
  std::string own;        // what its line and paragraph say, without a bare address in front
  std::string following;  // what stands below, up to the next mention of the same rank
};

// In the order of the notice, at most 200; an address may be in it several times.
std::vector<Mention> FindMentions(const Notice& notice);

}  // namespace wavepost
