#include "cli/format.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr absl::Duration kRateWindow = absl::Seconds(30);
constexpr absl::Duration kRateSpanMin = absl::Milliseconds(200);
constexpr absl::Duration kEtaMax = absl::Hours(24 * 365);

}  // namespace

std::string WithCommas(int64_t n) {
  const std::string digits = std::to_string(n);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && digits[i - 1] != '-' && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string Share(int64_t part, int64_t whole) {
  if (whole <= 0) return "-";
  return absl::StrFormat("%.1f %%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string ShortDuration(absl::Duration d) {
  const int64_t s = std::max<int64_t>(0, absl::ToInt64Seconds(d + absl::Milliseconds(500)));
  const int64_t days = s / 86400;
  const int64_t hours = s / 3600 % 24;
  const int64_t minutes = s / 60 % 60;
  if (days > 0) return absl::StrFormat("%dd %02d:%02d", days, hours, minutes);
  if (hours > 0) return absl::StrFormat("%d:%02d:%02d", hours, minutes, s % 60);
  return absl::StrFormat("%d:%02d", minutes, s % 60);
}

std::string LocalTime(absl::Time t) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", t, absl::LocalTimeZone());
}

std::string UtcTime(absl::Time t) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", t, absl::UTCTimeZone());
}

std::string ProgressBar(double fraction, size_t width) {
  if (width < 3) return "";
  const size_t inner = width - 2;
  fraction = std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0;
  // Rounded down: only the last recipient fills the bar.
  const size_t filled = static_cast<size_t>(fraction * static_cast<double>(inner));
  std::string bar(filled, '=');
  if (filled < inner) bar += fraction > 0 ? '>' : ' ';
  bar.resize(inner, ' ');
  return absl::StrCat("[", bar, "]");
}

size_t ColumnsOf(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string Wrap(std::string_view text, size_t columns, std::string_view indent) {
  std::string out, line;
  size_t line_columns = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t start = text.find_first_not_of(" \n\t", at);
    if (start == std::string_view::npos) break;
    at = std::min(text.find_first_of(" \n\t", start), text.size());
    const std::string_view word = text.substr(start, at - start);
    const size_t word_columns = ColumnsOf(word);
    if (!line.empty() && ColumnsOf(indent) + line_columns + 1 + word_columns > columns) {
      absl::StrAppend(&out, Av(indent), line, "\n");
      line.clear();
      line_columns = 0;
    }
    absl::StrAppend(&line, line.empty() ? "" : " ", Av(word));
    line_columns += word_columns + (line_columns > 0 ? 1 : 0);
  }
  if (!line.empty()) absl::StrAppend(&out, Av(indent), line, "\n");
  return out;
}

std::string PrintableLines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    for (size_t at = 0; at <= line.size();) {
      const size_t tab = std::min(line.find('\t', at), line.size());
      const std::string_view piece = line.substr(at, tab - at);
      out += Printable(piece, piece.size());
      if (tab < line.size()) out += '\t';
      at = tab + 1;
    }
    out += '\n';
  }
  return out;
}

std::string Table::ToString(std::string_view indent) const {
  std::vector<size_t> widths;
  for (const auto& [title, align] : columns_) widths.push_back(ColumnsOf(title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < std::min(row.size(), widths.size()); ++i) widths[i] = std::max(widths[i], ColumnsOf(row[i]));
  }
  std::string out;
  const auto add_line = [&](auto&& cell_of) {
    std::string line(indent);
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string padding(widths[i] - ColumnsOf(cell), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].second == Align::kRight ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  static const std::string kEmpty;
  const bool titled = std::any_of(columns_.begin(), columns_.end(), [](const auto& c) { return !c.first.empty(); });
  if (titled) add_line([&](size_t i) -> const std::string& { return columns_[i].first; });
  for (const auto& row : rows_)
    add_line([&](size_t i) -> const std::string& { return i < row.size() ? row[i] : kEmpty; });
  return out;
}

void RateMeter::Add(absl::Time now, int64_t done) {
  if (!readings_.empty()) done = std::max(done, readings_.back().second);
  readings_.emplace_back(now, done);
  while (readings_.size() > 2 && now - readings_[1].first >= kRateWindow) readings_.pop_front();
}

std::optional<double> RateMeter::PerSecond() const {
  if (readings_.size() < 2) return std::nullopt;
  const absl::Duration span = readings_.back().first - readings_.front().first;
  if (span < kRateSpanMin) return std::nullopt;
  return static_cast<double>(readings_.back().second - readings_.front().second) / absl::ToDoubleSeconds(span);
}

std::optional<absl::Duration> RateMeter::Eta(int64_t open) const {
  const auto rate = PerSecond();
  if (!rate.has_value() || *rate <= 0) return std::nullopt;
  return std::min(absl::Seconds(static_cast<double>(open) / *rate), kEtaMax);
}

}  // namespace wavepost::cli
