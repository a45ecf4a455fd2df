#include "cli/wave_view.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/json.h"
#include "cli/names.h"

namespace wavepost::cli {
namespace {

constexpr size_t kBarMin = 10;
constexpr size_t kBarMax = 40;
constexpr size_t kLiveTextColumns = 62;  // what stands round the bar

// Only what there is, so that a line stays short.
std::string CountsText(const v1::WaveCounts& c) {
  std::string text;
  const auto add = [&text](const char* word, int64_t n, bool always) {
    if (n != 0 || always) absl::StrAppend(&text, text.empty() ? "" : "  ", word, " ", WithCommas(n));
  };
  add("delivered", c.delivered(), true);
  add("bounced", c.bounced(), true);
  add("expired", c.expired(), false);
  add("suppressed", c.suppressed(), false);
  add("capped", c.capped(), false);
  add("cancelled", c.cancelled(), false);
  add("open", c.open(), true);
  add("deferrals", c.deferrals(), false);
  return text;
}

std::string CutToColumns(std::string_view text, size_t columns) {
  std::string out;
  for (size_t i = 0, seen = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && ++seen > columns) break;
    out += text[i];
  }
  return out;
}

}  // namespace

int64_t Done(const v1::WaveCounts& counts) {
  return counts.accepted() - counts.open();
}

void WaveView::Update(const v1::Wave& wave, absl::Time now) {
  wave_ = wave;
  now_ = now;
  meter_.Add(now, Done(wave.counts()));
}

std::string WaveView::Live(size_t columns) const {
  const v1::WaveCounts& c = wave_.counts();
  const double fraction = c.accepted() > 0 ? static_cast<double>(Done(c)) / static_cast<double>(c.accepted()) : 0.0;
  const size_t bar = std::clamp(columns > kLiveTextColumns ? columns - kLiveTextColumns : 0, kBarMin, kBarMax);
  // Rounded down as the bar is: 100 % means all.
  std::string first = absl::StrFormat("%s %s %5.1f %%  %s/%s", Leaf(wave_.name()), ProgressBar(fraction, bar),
                                      std::floor(fraction * 1000) / 10, WithCommas(Done(c)), WithCommas(c.accepted()));
  if (wave_.state() != v1::Wave::RUNNING) absl::StrAppend(&first, "  ", StateWord(wave_.state()));
  if (const auto rate = meter_.PerSecond()) absl::StrAppend(&first, "  ", WithCommas(std::llround(*rate)), "/s");
  if (const auto eta = meter_.Eta(c.open()); eta.has_value() && c.open() > 0) {
    absl::StrAppend(&first, "  ETA ", ShortDuration(*eta));
  }
  return CutToColumns(first, columns) + "\n" + CutToColumns("  " + CountsText(c), columns);
}

std::string WaveView::Plain() const {
  const v1::WaveCounts& c = wave_.counts();
  std::string line = absl::StrCat(LocalTime(now_), "  ", Leaf(wave_.name()), " ", StateWord(wave_.state()), "  ",
                                  WithCommas(Done(c)), "/", WithCommas(c.accepted()), " done  ", CountsText(c));
  if (const auto rate = meter_.PerSecond()) absl::StrAppend(&line, "  ", WithCommas(std::llround(*rate)), "/s");
  if (const auto eta = meter_.Eta(c.open()); eta.has_value() && c.open() > 0) {
    absl::StrAppend(&line, "  ETA ", ShortDuration(*eta));
  }
  return line;
}

std::string WaveView::JsonLine() const {
  Json json{{"time", UtcTime(now_)}};
  json.update(ToJson(wave_));
  if (const auto rate = meter_.PerSecond()) json["rate_per_s"] = std::round(*rate * 10) / 10;
  if (const auto eta = meter_.Eta(wave_.counts().open())) json["eta_s"] = std::llround(absl::ToDoubleSeconds(*eta));
  return Dump(json);
}

}  // namespace wavepost::cli
