#include "common/smtp/command.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/numbers.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

using Verb = Command::Verb;

enum class Argument { kNone, kOptional, kRequired };

struct VerbRow {
  std::string_view name;
  Verb verb;
  Argument argument;
};

constexpr VerbRow kVerbs[] = {
    {"helo", Verb::kHelo, Argument::kRequired}, {"ehlo", Verb::kEhlo, Argument::kRequired},
    {"lhlo", Verb::kLhlo, Argument::kRequired}, {"mail", Verb::kMail, Argument::kRequired},
    {"rcpt", Verb::kRcpt, Argument::kRequired}, {"data", Verb::kData, Argument::kNone},
    {"bdat", Verb::kBdat, Argument::kRequired}, {"rset", Verb::kRset, Argument::kNone},
    {"noop", Verb::kNoop, Argument::kOptional}, {"quit", Verb::kQuit, Argument::kNone},
    {"vrfy", Verb::kVrfy, Argument::kRequired}, {"starttls", Verb::kStartTls, Argument::kNone},
};

bool IsSpace(char c) {
  return c == ' ' || c == '\t';
}
bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string_view Trim(std::string_view s) {
  while (!s.empty() && IsSpace(s.front())) s.remove_prefix(1);
  while (!s.empty() && IsSpace(s.back())) s.remove_suffix(1);
  return s;
}

// The length of the path up to the '>' that closes it, or npos. A '>' within a quoted local part does not count.
size_t FindClose(std::string_view s) {
  bool quoted = false;
  for (size_t i = 0; i < s.size(); ++i) {
    if (quoted && s[i] == '\\') {
      ++i;
    } else if (s[i] == '"') {
      quoted = !quoted;
    } else if (s[i] == '>' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

// Empty when `path` (without a source route) is an address, the null path or a bare local part; else what is wrong.
std::string_view CheckPath(std::string_view path) {
  if (path.empty()) return {};
  if (path.size() > Command::kPathBytesMax) return "path too long";
  if (!IsUtf8(path)) return "path is not UTF-8";
  size_t at = std::string_view::npos;  // of the '@' behind the local part
  if (path[0] == '"') {
    size_t i = 1;
    while (i < path.size() && path[i] != '"') i += path[i] == '\\' ? 2 : 1;
    if (i >= path.size()) return "quoted local part does not end";
    if (i + 1 < path.size() && path[i + 1] != '@') return "text behind the quoted local part";
    if (i + 1 < path.size()) at = i + 1;
  } else {
    at = path.find('@');
    for (char c : path.substr(0, at)) {
      if (std::string_view(" \t\"(),:;<>[]\\").find(c) != std::string_view::npos)
        return "bad character in the local part";
    }
  }
  if (at == 0) return "local part is empty";
  if (at == std::string_view::npos) return {};
  const std::string_view domain = path.substr(at + 1);
  if (domain.empty()) return "domain is empty";
  for (char c : domain) {
    if (std::string_view(" \t\"(),;<>@\\").find(c) != std::string_view::npos) return "bad character in the domain";
  }
  return {};
}

// Takes off "@a.example,@b.example:" (RFC 5321 4.1.1.3: accepted and ignored). False when it never ends.
bool DropSourceRoute(std::string_view* path) {
  if (!path->starts_with('@')) return true;
  const size_t colon = path->find(':');
  if (colon == std::string_view::npos) return false;
  path->remove_prefix(colon + 1);
  return true;
}

std::string ParseParams(std::string_view rest, std::vector<std::pair<std::string, std::string>>* params) {
  while (!(rest = Trim(rest)).empty()) {
    if (params->size() >= Command::kParamsMax) return "too many parameters";
    const size_t end = rest.find_first_of(" \t");
    const std::string_view item = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    const size_t equals = item.find('=');
    std::string keyword(item.substr(0, equals));
    for (char& c : keyword) {
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-') return "bad parameter name";
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    if (keyword.empty() || keyword[0] == '-') return "bad parameter name";
    for (const auto& [name, value] : *params) {
      if (name == keyword) return "parameter given twice";
    }
    std::string_view value = equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
    if (equals != std::string_view::npos && value.empty()) return "parameter without a value";
    if (!IsUtf8(value)) return "parameter is not UTF-8";
    params->emplace_back(std::move(keyword), std::string(value));
  }
  return {};
}

std::string ParsePathAndParams(std::string_view rest, std::string_view prefix, Command* command) {
  if (!StartsWithIgnoreCase(rest, prefix))
    return command->verb == Verb::kMail ? "syntax: MAIL FROM:<address>" : "syntax: RCPT TO:<address>";
  rest = Trim(rest.substr(prefix.size()));
  if (!rest.starts_with('<')) return "address must stand in <>";
  rest.remove_prefix(1);
  const size_t close = FindClose(rest);
  if (close == std::string_view::npos) return "address does not end with >";
  std::string_view path = rest.substr(0, close);
  rest.remove_prefix(close + 1);
  if (!rest.empty() && !IsSpace(rest[0])) return "text behind the address";
  if (!DropSourceRoute(&path)) return "bad source route";
  if (path.empty() && command->verb == Verb::kRcpt) return "recipient is empty";
  if (std::string_view wrong = CheckPath(path); !wrong.empty()) return std::string(wrong);
  command->path = path;
  return ParseParams(rest, &command->params);
}

std::string ParseBdat(Command* command) {
  std::string_view rest = command->argument;
  const size_t space = rest.find_first_of(" \t");
  const std::string_view number = rest.substr(0, space);
  for (char c : number) {
    if (c < '0' || c > '9') return "syntax: BDAT size [LAST]";
  }
  if (!absl::SimpleAtoi(Av(number), &command->bdat_bytes)) return "syntax: BDAT size [LAST]";
  if (space == std::string_view::npos) return {};
  if (!EqualsIgnoreCase(Trim(rest.substr(space)), "last")) return "syntax: BDAT size [LAST]";
  command->bdat_last = true;
  return {};
}

}  // namespace

const std::string* Command::Param(std::string_view keyword) const {
  for (const auto& [name, value] : params) {
    if (name == keyword) return &value;
  }
  return nullptr;
}

Command ParseCommand(std::string_view line) {
  Command command;
  while (!line.empty() && IsSpace(line.back())) line.remove_suffix(1);
  const auto end = std::find_if(line.begin(), line.end(), [](char c) { return IsSpace(c) || IsControl(c); });
  const auto verb_bytes = static_cast<size_t>(end - line.begin());
  const std::string name = AsciiLower(line.substr(0, verb_bytes));
  const std::string_view rest = Trim(line.substr(verb_bytes));

  const VerbRow* row = nullptr;
  for (const VerbRow& candidate : kVerbs) {
    if (candidate.name == name) row = &candidate;
  }
  if (row != nullptr) command.verb = row->verb;
  if (std::any_of(line.begin(), line.end(), [](char c) { return IsControl(c) && c != '\t'; })) {
    command.error = "control character in the command";
  } else if (row == nullptr) {
    command.error = "command not recognized";
  } else if (row->argument == Argument::kNone && !rest.empty()) {
    command.error = "no argument allowed";
  } else if (row->argument == Argument::kRequired && rest.empty()) {
    command.error = "argument missing";
  } else if (command.verb == Verb::kMail || command.verb == Verb::kRcpt) {
    command.error = ParsePathAndParams(rest, command.verb == Verb::kMail ? "FROM:" : "TO:", &command);
  } else {
    command.argument = rest;
    if (command.verb == Verb::kBdat) command.error = ParseBdat(&command);
  }
  return command;
}

}  // namespace wavepost
