#include "bouncer/formats/formats.h"

namespace wavepost {

std::vector<ReportedRecipient> ReadBounce(const Document& document) {
  return document.groups.empty() ? ReadTextBounce(document) : document.groups;
}

std::vector<ReportedRecipient> ReadTextBounce(const Document&) {
  return {};
}

}  // namespace wavepost
