// Lists of "name=value" divided by semicolons, as DKIM keys and DMARC policies are written (RFC 6376 section 3.2).
// Pure; the text is hostile.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wavepost {

inline constexpr size_t kTagsMax = 32;

struct TagList {
  std::vector<std::pair<std::string, std::string>> tags;  // in order, without the blanks round names and values
  std::string fault;  // empty: well-formed; otherwise what is wrong, as the end of "... cannot be read: "

  // nullptr: not there.
  const std::string* Find(std::string_view name) const;
};

// On a fault `tags` holds what could be read before it.
TagList ParseTagList(std::string_view text);

// Without blanks, tabs and line ends.
std::string WithoutBlanks(std::string_view text);
// Without blanks, tabs and line ends at its ends.
std::string_view Trim(std::string_view text);

}  // namespace wavepost
