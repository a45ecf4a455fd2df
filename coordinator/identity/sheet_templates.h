// The templates of sheet/, put into the program by the build (see CMakeLists.txt).
#pragma once

#include <string_view>

namespace wavepost {

extern const std::string_view kSheetEnMd;
extern const std::string_view kSheetEnHtml;
extern const std::string_view kSheetDeMd;
extern const std::string_view kSheetDeHtml;

}  // namespace wavepost
