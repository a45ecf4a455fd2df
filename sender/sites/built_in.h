// The text of providers.yaml as it was when this was built. The .cc is made from it by embed.cmake.
#pragma once

#include <string_view>

namespace wavepost {

std::string_view BuiltInProvidersYaml();

}  // namespace wavepost
