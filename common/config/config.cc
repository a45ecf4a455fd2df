#include "common/config/config.h"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kFileBytesMax = 16 << 20;
constexpr size_t kProblemsMax = 50;

struct Entry {
  YAML::Node node;
  std::string path;  // dotted, "" for the root
  int line = 0;      // 1-based; 0 unknown
  std::set<std::string, std::less<>> known;
};

}  // namespace

struct ConfigState {
  std::string file;
  std::vector<std::unique_ptr<Entry>> entries;
  std::vector<std::string> problems;

  size_t Add(const YAML::Node& node, std::string path) {
    auto entry = std::make_unique<Entry>();
    entry->line = node.IsDefined() ? node.Mark().line + 1 : 0;
    entry->node = node;
    entry->path = std::move(path);
    entries.push_back(std::move(entry));
    return entries.size() - 1;
  }

  // Repeated reads of a map must share its set of known keys.
  size_t FindOrAdd(const YAML::Node& node, const std::string& path) {
    for (size_t i = 1; i < entries.size(); ++i) {
      if (entries[i]->path == path) return i;
    }
    return Add(node, path);
  }

  void Problem(int line, std::string_view path, std::string_view message) {
    if (problems.size() >= kProblemsMax) return;
    problems.push_back(absl::StrCat(file, ":", line, ": ", Av(path), path.empty() ? "" : ": ", Av(message)));
  }

  YAML::Node Value(size_t id, std::string_view key) {
    Entry& entry = *entries[id];
    entry.known.emplace(key);
    if (id == 0 || !entry.node.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
    const YAML::Node& fixed = entry.node;
    YAML::Node found = fixed[std::string(key)];
    return found;
  }

  std::string Path(size_t id, std::string_view key) const {
    const std::string& base = entries[id]->path;
    return base.empty() ? std::string(key) : absl::StrCat(base, ".", Av(key));
  }

  void Unread() {
    for (const auto& entry : entries) {
      if (!entry->node.IsDefined() || !entry->node.IsMap()) continue;
      for (const auto& pair : entry->node) {
        const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "?";
        if (entry->known.contains(key)) continue;
        Problem(pair.first.Mark().line + 1, entry->path.empty() ? key : entry->path + "." + key,
                absl::StrCat("unknown key; known here: ", absl::StrJoin(entry->known, ", ")));
      }
    }
  }
};

namespace {

// Reads a scalar through `parse`; reports and returns the fallback if it is no scalar or does not parse.
template <class T, class Parse>
T Read(ConfigState& state, size_t id, std::string_view key, T fallback, std::string_view wanted, Parse parse) {
  YAML::Node value = state.Value(id, key);
  if (!value.IsDefined() || value.IsNull()) return fallback;
  T out{};
  if (value.IsScalar() && parse(value.Scalar(), &out)) return out;
  state.Problem(
      value.Mark().line + 1, state.Path(id, key),
      absl::StrCat("must be ", Av(wanted), value.IsScalar() ? absl::StrCat(", is '", value.Scalar(), "'") : ""));
  return fallback;
}

// A key that stands twice in a map: which one counts nobody should have to know.
void FindRepeats(ConfigState& state, const YAML::Node& node, const std::string& path, int depth) {
  constexpr int kDepthMax = 32;
  if (depth > kDepthMax) return;
  if (node.IsSequence()) {
    for (size_t i = 0; i < node.size(); ++i) FindRepeats(state, node[i], absl::StrCat(path, "[", i, "]"), depth + 1);
    return;
  }
  if (!node.IsMap()) return;
  std::map<std::string, int> first_line;
  for (const auto& pair : node) {
    if (!pair.first.IsScalar()) continue;
    const std::string key = path.empty() ? pair.first.Scalar() : path + "." + pair.first.Scalar();
    const int line = pair.first.Mark().line + 1;
    const auto [first, inserted] = first_line.emplace(key, line);
    if (!inserted) state.Problem(line, key, absl::StrCat("stands here twice, first in line ", first->second));
    FindRepeats(state, pair.second, key, depth + 1);
  }
}

}  // namespace

std::string ConfigNode::String(std::string_view key, std::string_view fallback) const {
  return Read<std::string>(*state_, id_, key, std::string(fallback), "a text",
                           [](const std::string& text, std::string* out) { return *out = text, true; });
}

std::string ConfigNode::RequiredString(std::string_view key) const {
  std::string value = String(key, "");
  if (value.empty()) state_->Problem(state_->entries[id_]->line, state_->Path(id_, key), "is required");
  return value;
}

int64_t ConfigNode::Int(std::string_view key, int64_t fallback, int64_t min, int64_t max) const {
  return Read<int64_t>(
      *state_, id_, key, fallback, absl::StrCat("a whole number from ", min, " to ", max),
      [=](const std::string& text, int64_t* out) { return absl::SimpleAtoi(text, out) && *out >= min && *out <= max; });
}

double ConfigNode::Double(std::string_view key, double fallback, double min, double max) const {
  return Read<double>(
      *state_, id_, key, fallback, absl::StrCat("a number from ", min, " to ", max),
      [=](const std::string& text, double* out) { return absl::SimpleAtod(text, out) && *out >= min && *out <= max; });
}

bool ConfigNode::Bool(std::string_view key, bool fallback) const {
  return Read<bool>(*state_, id_, key, fallback, "true or false", [](const std::string& text, bool* out) {
    *out = text == "true";
    return text == "true" || text == "false";
  });
}

absl::Duration ConfigNode::DurationOf(std::string_view key, absl::Duration fallback, absl::Duration min,
                                      absl::Duration max) const {
  return Read<absl::Duration>(*state_, id_, key, fallback,
                              absl::StrCat("a duration such as 30s, 5m or 72h, from ", absl::FormatDuration(min),
                                           " to ", absl::FormatDuration(max)),
                              [=](const std::string& text, absl::Duration* out) {
                                return absl::ParseDuration(text, out) && *out >= min && *out <= max;
                              });
}

std::vector<std::string> ConfigNode::StringList(std::string_view key) const {
  std::vector<std::string> out;
  for (const ConfigNode& item : List(key)) {
    if (!state_->entries[item.id_]->node.IsScalar()) {
      item.Problem("", "must be a text");
    } else {
      out.push_back(item.Scalar());
    }
  }
  return out;
}

ConfigNode ConfigNode::Child(std::string_view key) const {
  YAML::Node value = state_->Value(id_, key);
  if (value.IsDefined() && !value.IsNull() && !value.IsMap()) {
    state_->Problem(value.Mark().line + 1, state_->Path(id_, key), "must be a map of keys");
  }
  if (!value.IsDefined() || !value.IsMap()) return ConfigNode(state_, 0);
  return ConfigNode(state_, state_->FindOrAdd(value, state_->Path(id_, key)));
}

std::vector<ConfigNode> ConfigNode::List(std::string_view key) const {
  YAML::Node value = state_->Value(id_, key);
  if (!value.IsDefined() || value.IsNull()) return {};
  if (!value.IsSequence()) {
    state_->Problem(value.Mark().line + 1, state_->Path(id_, key), "must be a list");
    return {};
  }
  std::vector<ConfigNode> out;
  for (size_t i = 0; i < value.size(); ++i) {
    out.push_back(ConfigNode(state_, state_->Add(value[i], absl::StrCat(state_->Path(id_, key), "[", i, "]"))));
  }
  return out;
}

bool ConfigNode::Has(std::string_view key) const {
  return state_->Value(id_, key).IsDefined();
}

std::vector<std::string> ConfigNode::Keys() const {
  std::vector<std::string> out;
  const YAML::Node& node = state_->entries[id_]->node;
  if (id_ == 0 || !node.IsMap()) return out;
  for (const auto& pair : node) {
    if (pair.first.IsScalar()) out.push_back(pair.first.Scalar());
  }
  return out;
}

std::string ConfigNode::Scalar() const {
  const YAML::Node& node = state_->entries[id_]->node;
  return id_ != 0 && node.IsScalar() ? node.Scalar() : "";
}

void ConfigNode::Problem(std::string_view key, std::string_view message) const {
  const Entry& entry = *state_->entries[id_];
  int line = entry.line;
  if (!key.empty()) {
    YAML::Node value = state_->Value(id_, key);
    if (value.IsDefined()) line = value.Mark().line + 1;
  }
  state_->Problem(line, key.empty() ? entry.path : state_->Path(id_, key), message);
}

absl::StatusOr<ConfigFile> ConfigFile::Load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const int error = errno;
    const std::string message = absl::StrCat(path, ": cannot read the configuration file: ", std::strerror(error));
    return error == EACCES ? absl::PermissionDeniedError(message) : absl::NotFoundError(message);
  }
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || static_cast<size_t>(in.gcount()) > kFileBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder, unreadable or larger than 16 MiB"));
  }
  text.resize(static_cast<size_t>(in.gcount()));
  return Parse(text, path);
}

absl::StatusOr<ConfigFile> ConfigFile::Parse(std::string_view text, const std::string& name) {
  auto state = std::make_shared<ConfigState>();
  state->file = name;
  state->Add(YAML::Node(YAML::NodeType::Undefined), "");  // id 0: absent
  try {
    YAML::Node document = YAML::Load(std::string(text));
    if (document.IsNull()) document = YAML::Node(YAML::NodeType::Map);
    if (!document.IsMap()) {
      return absl::InvalidArgumentError(absl::StrCat(name, ":1: the file must be a map of keys"));
    }
    state->Add(document, "");
    FindRepeats(*state, document, "", 0);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(name, ":", error.mark.line + 1, ": not valid YAML: ", error.msg));
  }
  return ConfigFile(std::move(state));
}

ConfigNode ConfigFile::root() const {
  return ConfigNode(state_, 1);
}

absl::Status ConfigFile::Finish() const {
  std::vector<std::string> before = state_->problems;
  state_->Unread();
  std::vector<std::string> all = std::move(state_->problems);
  state_->problems = std::move(before);
  if (all.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(all, "\n"));
}

}  // namespace wavepost
