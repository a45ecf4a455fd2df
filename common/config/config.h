// Reads a YAML configuration file key by key, with types and bounds, and reports every problem with file, line and key.
//
// Use: load, read every key that exists (each read names its default), then ask Finish(). A key that nobody read is an
// error: it is nearly always a typing mistake. Reads never fail by themselves; a bad value yields the default and a
// problem. Not thread-safe. Nodes are valid as long as their ConfigFile.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wavepost {

struct ConfigState;  // the parsed document and the problems found so far

class ConfigNode {
 public:
  // A value with a default, or one that must be there. Durations: "500ms", "30s", "5m", "72h".
  std::string String(std::string_view key, std::string_view fallback) const;
  std::string RequiredString(std::string_view key) const;
  int64_t Int(std::string_view key, int64_t fallback, int64_t min, int64_t max) const;
  double Double(std::string_view key, double fallback, double min, double max) const;
  bool Bool(std::string_view key, bool fallback) const;
  absl::Duration DurationOf(std::string_view key, absl::Duration fallback, absl::Duration min = absl::ZeroDuration(),
                            absl::Duration max = absl::Hours(24 * 366)) const;
  std::vector<std::string> StringList(std::string_view key) const;

  // A map below this one; if it is absent, every read in it yields its default.
  ConfigNode Child(std::string_view key) const;
  // The items of a list, empty if absent.
  std::vector<ConfigNode> List(std::string_view key) const;

  bool Has(std::string_view key) const;
  // The keys of this map, in file order. Reading a key through Child or List marks it as known; Keys does not.
  std::vector<std::string> Keys() const;
  // The text of a scalar item; empty for anything else.
  std::string Scalar() const;
  // Adds a problem at this node's line, e.g. for a check between keys. `key` may be empty.
  void Problem(std::string_view key, std::string_view message) const;

 private:
  friend class ConfigFile;
  ConfigNode(std::shared_ptr<ConfigState> state, size_t id) : state_(std::move(state)), id_(id) {}
  std::shared_ptr<ConfigState> state_;
  size_t id_;  // index into the state's node table; 0 is "absent"
};

class ConfigFile {
 public:
  // Errors: kNotFound (no such file), kInvalidArgument (not YAML: file and line), kPermissionDenied.
  // Limit: 16 MiB.
  static absl::StatusOr<ConfigFile> Load(const std::string& path);
  // The same from text; `name` stands for the file in messages.
  static absl::StatusOr<ConfigFile> Parse(std::string_view text, const std::string& name);

  ConfigNode root() const;

  // OK if every read succeeded and every key was read. Otherwise kInvalidArgument; the message has a line per problem:
  // "sender.yaml:12: smtp.port: must be between 0 and 65535, is 70000".
  absl::Status Finish() const;

 private:
  explicit ConfigFile(std::shared_ptr<ConfigState> state) : state_(std::move(state)) {}
  std::shared_ptr<ConfigState> state_;
};

}  // namespace wavepost
