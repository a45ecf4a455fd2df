#include "coordinator/domains/tag_list.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/domains/verdict.h"

namespace wavepost {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

}  // namespace

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string WithoutBlanks(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (kBlanks.find(c) == std::string_view::npos) out += c;
  }
  return out;
}

const std::string* TagList::Find(std::string_view name) const {
  const auto it = std::find_if(tags.begin(), tags.end(), [&](const auto& tag) { return tag.first == name; });
  return it == tags.end() ? nullptr : &it->second;
}

TagList ParseTagList(std::string_view text) {
  TagList list;
  while (!text.empty() && list.fault.empty()) {
    const size_t end = text.find(';');
    const std::string_view part = Trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (part.empty() && Trim(text).empty()) break;  // a final semicolon
    const size_t equals = part.find('=');
    const std::string_view name = Trim(part.substr(0, equals));
    if (part.empty()) {
      list.fault = "two semicolons follow each other";
    } else if (equals == std::string_view::npos) {
      list.fault = absl::StrCat("the part ", Show(part, 40), " has no \"=\"");
    } else if (name.empty() || name.find_first_not_of(kNameCharacters) != std::string_view::npos) {
      list.fault = absl::StrCat(Show(name, 40), " before a \"=\" is no name");
    } else if (list.Find(name) != nullptr) {
      list.fault = absl::StrCat(Show(absl::StrCat(std::string(name), "="), 40), " stands there twice");
    } else if (list.tags.size() >= kTagsMax) {
      list.fault = absl::StrCat("it has more than ", kTagsMax, " parts");
    } else {
      list.tags.emplace_back(std::string(name), std::string(Trim(part.substr(equals + 1))));
    }
  }
  return list;
}

}  // namespace wavepost
