#include "coordinator/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kValueBytesMax = 1024;

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("coordinator", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l service=coordinator %v", spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::warn);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *logger;
}

bool NeedsQuotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos;
}

void AppendField(std::string_view name, std::string_view raw, std::string* out) {
  const std::string value = Printable(raw, kValueBytesMax);
  absl::StrAppend(out, out->empty() ? "" : " ", Av(name), "=");
  if (!NeedsQuotes(value)) {
    *out += value;
    return;
  }
  *out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') *out += '\\';
    *out += c;
  }
  *out += '"';
}

}  // namespace

std::string LogfmtLine(std::string_view event, std::initializer_list<LogField> fields) {
  std::string line;
  AppendField("event", event, &line);
  for (const LogField& field : fields) AppendField(field.name, field.value, &line);
  return line;
}

void InitLogging() {
  Logger().set_level(spdlog::level::info);
}

void LogInfo(std::string_view event, std::initializer_list<LogField> fields) {
  if (Logger().should_log(spdlog::level::info)) Logger().info(LogfmtLine(event, fields));
}

void LogWarning(std::string_view event, std::initializer_list<LogField> fields) {
  Logger().warn(LogfmtLine(event, fields));
}

void LogError(std::string_view event, std::initializer_list<LogField> fields) {
  Logger().error(LogfmtLine(event, fields));
}

}  // namespace wavepost
