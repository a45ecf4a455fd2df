// formats.yaml, as it stood when the binary was made. For format_book.cc and its tests.
#pragma once

#include <string_view>

namespace wavepost {

extern const std::string_view kFormatsYaml;

}  // namespace wavepost
