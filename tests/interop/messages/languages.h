// What the messages of the mix say, in eight ways of writing.
#pragma once

#include <string_view>
#include <vector>

namespace wavepost {

struct Language {
  std::string_view code;
  std::string_view subject;    // with {{name}} and {{company}}
  std::string_view from_name;  // may contain what must be quoted or encoded
  std::string_view name;       // values
  std::string_view company;
  std::string_view file_name;
  std::vector<std::string_view> sentences;
};

const std::vector<Language>& Languages();

}  // namespace wavepost
