// The unsubscribe page's words in the languages that it speaks.
#pragma once

#include <string_view>

namespace wavepost {

struct PageWords {
  std::string_view language;  // "en"
  std::string_view title;
  std::string_view question;
  std::string_view button;
  std::string_view done;
  std::string_view unknown;       // the link is not one of ours
  std::string_view out_of_order;  // try again
};

// The first language of an Accept-Language header (RFC 9110 section 12.5.4) that there are words for, by weight;
// English if there is none. Looks at the first 16 entries.
const PageWords& WordsFor(std::string_view accept_language);

}  // namespace wavepost
