// Numbers, times, tables and progress bars as text for people. Pure: no terminal, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace wavepost::cli {

std::string WithCommas(int64_t n);                       // "12,345"
std::string Share(int64_t part, int64_t whole);          // "12.3 %"; "-" of nothing
std::string ShortDuration(absl::Duration d);             // "0:07", "12:34", "3:04:05", "2d 03:00"
std::string LocalTime(absl::Time t);                     // "2026-01-31 12:00:00"
std::string UtcTime(absl::Time t);                       // RFC 3339 with milliseconds, for JSON
std::string ProgressBar(double fraction, size_t width);  // "[=====>    ]", `width` characters with the brackets

// Characters of UTF-8 text, taking each as one column wide.
size_t ColumnsOf(std::string_view text);

// Lines of at most `columns` characters, each behind `indent` and with '\n'. Broken at spaces only: a word that is too
// long keeps a line to itself, so that it can still be copied. Nothing for a text without words.
std::string Wrap(std::string_view text, size_t columns, std::string_view indent = "");

// Text of several lines, its control characters made printable but for the line ends ('\n'; CRLF becomes that) and
// tabs.
// Ends with '\n' unless empty.
std::string PrintableLines(std::string_view text);

// Columns padded to their widest cell; numbers to the right.
class Table {
 public:
  enum class Align { kLeft, kRight };
  void Column(std::string title, Align align = Align::kLeft) { columns_.emplace_back(std::move(title), align); }
  void Row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }  // missing cells are empty
  bool empty() const { return rows_.empty(); }
  // Ends with '\n'. No spaces at line ends.
  std::string ToString(std::string_view indent = "") const;

 private:
  std::vector<std::pair<std::string, Align>> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Speed over the last half minute, so that an estimate follows what is going on now.
class RateMeter {
 public:
  // `done` never falls much; a fall (a late report) counts as standing still.
  void Add(absl::Time now, int64_t done);
  // Nothing until there are two readings a moment apart.
  std::optional<double> PerSecond() const;
  // Time until `open` more are done. Nothing while the speed is unknown or zero.
  std::optional<absl::Duration> Eta(int64_t open) const;

 private:
  std::deque<std::pair<absl::Time, int64_t>> readings_;
};

}  // namespace wavepost::cli
