#include "bench/sim/svg.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace wavepost::sim {
namespace {

constexpr double kWidth = 900, kHeight = 440, kLeft = 70, kRight = 170, kTop = 40, kBottom = 50;
const char* const kColours[] = {"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd",
                                "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"};

struct Line {
  std::string name;
  std::vector<std::pair<double, double>> points;
  bool dashed = false;
  int colour = 0;
};

struct Plot {
  std::string title, x_name, y_name;
  bool log_x = false;
  std::vector<Line> lines;
};

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

// 1, 2 or 5 times a power of ten: about five of them make `span`.
double StepOf(double span) {
  const double power = std::pow(10, std::floor(std::log10(std::max(span, 1e-9) / 5)));
  for (const double m : {1.0, 2.0, 5.0}) {
    if (span / (m * power) <= 6) return m * power;
  }
  return 10 * power;
}

class Writer {
 public:
  explicit Writer(const Plot& plot) : plot_(plot) {
    x_min_ = plot.log_x ? 1e9 : 0;
    for (const Line& line : plot.lines) {
      for (const auto& [x, y] : line.points) {
        x_max_ = std::max(x_max_, x);
        y_max_ = std::max(y_max_, y);
        if (plot.log_x && x > 0) x_min_ = std::min(x_min_, x);
      }
    }
    if (x_max_ <= x_min_) x_max_ = x_min_ + 1;
    if (y_max_ <= 0) y_max_ = 1;
    y_max_ *= 1.05;
  }

  std::string Text() {
    absl::StrAppendFormat(&out_,
                          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" font-family=\"sans-serif\" "
                          "font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                          kWidth, kHeight);
    Label(kLeft, kTop - 15, plot_.title, "start", 15);
    Axes();
    for (size_t i = 0; i < plot_.lines.size(); ++i) Draw(plot_.lines[i], i);
    return out_ + "</svg>\n";
  }

 private:
  double X(double x) const {
    const double at = plot_.log_x ? std::log(std::max(x, x_min_) / x_min_) / std::log(x_max_ / x_min_)
                                  : (x - x_min_) / (x_max_ - x_min_);
    return kLeft + at * (kWidth - kLeft - kRight);
  }
  double Y(double y) const { return kHeight - kBottom - y / y_max_ * (kHeight - kTop - kBottom); }

  void Label(double x, double y, const std::string& text, const char* anchor, int size = 12) {
    absl::StrAppendFormat(&out_, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\">%s</text>\n", x, y,
                          anchor, size, Escaped(text));
  }

  void Grid(double x1, double y1, double x2, double y2) {
    absl::StrAppendFormat(&out_, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#ddd\" fill=\"none\"/>\n", x1, y1, x2, y2);
  }

  void Axes() {
    for (double y = 0; y <= y_max_; y += StepOf(y_max_)) {
      Grid(kLeft, Y(y), kWidth - kRight, Y(y));
      Label(kLeft - 6, Y(y) + 4, absl::StrFormat("%g", y), "end");
    }
    const double step = StepOf(x_max_ - x_min_);
    for (double x = plot_.log_x ? std::pow(10, std::ceil(std::log10(x_min_))) : 0; x <= x_max_;
         x = plot_.log_x ? x * 10 : x + step) {
      Grid(X(x), kTop, X(x), kHeight - kBottom);
      Label(X(x), kHeight - kBottom + 16, absl::StrFormat("%g", x), "middle");
    }
    Label((kLeft + kWidth - kRight) / 2, kHeight - 12, plot_.x_name, "middle");
    absl::StrAppendFormat(&out_,
                          "<text transform=\"translate(18 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
                          kHeight / 2, Escaped(plot_.y_name));
  }

  void Draw(const Line& line, size_t place) {
    const char* colour = kColours[static_cast<size_t>(line.colour) % std::size(kColours)];
    const char* dashes = line.dashed ? " stroke-dasharray=\"5 4\"" : "";
    out_ += "<path d=\"";
    char command = 'M';
    for (const auto& [x, y] : line.points) {
      absl::StrAppendFormat(&out_, "%c%.1f %.1f", command, X(x), Y(y));
      command = 'L';
    }
    absl::StrAppendFormat(&out_, "\" stroke=\"%s\" stroke-width=\"1.5\" fill=\"none\"%s/>\n", colour, dashes);
    const double y = kTop + 10 + 18 * static_cast<double>(place);
    absl::StrAppendFormat(&out_, "<path d=\"M%.1f %.1fh20\" stroke=\"%s\" stroke-width=\"2\"%s/>\n",
                          kWidth - kRight + 12, y - 4, colour, dashes);
    Label(kWidth - kRight + 38, y, line.name, "start");
  }

  const Plot& plot_;
  std::string out_;
  double x_min_ = 0, x_max_ = 0, y_max_ = 0;
};

absl::Status Write(const Plot& plot, const std::filesystem::path& path) {
  std::ofstream file(path);
  file << Writer(plot).Text();
  if (!file.flush()) return absl::UnavailableError(absl::StrCat("cannot write ", path.string()));
  return absl::OkStatus();
}

bool InDays(const Report& report) {
  return report.drain_s > 2 * 86400;
}

double Unit(const Report& report) {
  return InDays(report) ? 86400 : 60;
}

const char* UnitName(const Report& report) {
  return InDays(report) ? "days" : "minutes";
}

Plot Progress(const Report& report) {
  Plot plot = {
      absl::StrCat(report.scenario, ": accepted and bounced, by site"), UnitName(report), "% of the site's", false, {}};
  for (size_t i = 0; i < report.result.kinds.size(); ++i) {
    const KindCounts& kind = report.result.kinds[i];
    Line line = {report.world.kinds[i], {{0, 0}}, false, static_cast<int>(i)};
    double sum = 0;
    for (size_t bucket = 0; bucket < kind.accepted_by_bucket.size(); ++bucket) {
      sum += static_cast<double>(kind.accepted_by_bucket[bucket]);
      line.points.emplace_back(static_cast<double>(bucket + 1) * report.bucket_s / Unit(report),
                               100 * sum / static_cast<double>(std::max<int64_t>(1, kind.accepted)));
    }
    plot.lines.push_back(std::move(line));
  }
  return plot;
}

// Accepted a second from one address on average, and what the receiver tolerates.
Plot Rates(const Report& report) {
  Plot plot = {absl::StrCat(report.scenario, ": accepted from one address, and tolerated (dashed)"),
               UnitName(report),
               "messages a second",
               false,
               {}};
  for (size_t i = 0; i < report.result.kinds.size(); ++i) {
    const auto site = std::find_if(report.world.sites.begin(), report.world.sites.end(), [&](const SiteSpec& s) {
      return s.kind == i && !s.site.provider.empty() && !std::isinf(s.receiver->rate);
    });
    if (site == report.world.sites.end()) continue;
    Line line = {report.world.kinds[i], {}, false, static_cast<int>(i)};
    Line tolerated = {"", {}, true, static_cast<int>(i)};
    const std::vector<int64_t>& series = report.result.kinds[i].accepted_by_bucket;
    for (size_t bucket = 0; bucket < series.size(); ++bucket) {
      const double at = static_cast<double>(bucket) * report.bucket_s;
      line.points.emplace_back((at + report.bucket_s / 2) / Unit(report),
                               static_cast<double>(series[bucket]) / report.bucket_s / report.ips);
      tolerated.points.emplace_back(at / Unit(report), FluidRate(*site, at));
    }
    plot.lines.push_back(std::move(line));
    plot.lines.push_back(std::move(tolerated));
  }
  return plot;
}

Plot Waits(const Report& report) {
  Plot plot = {
      absl::StrCat(report.scenario, ": waits of single messages"), "seconds", "% that waited no longer", true, {}};
  const std::pair<const char*, const WaitHistogram*> all[] = {{"until MAIL", &report.result.urgent_start},
                                                              {"until accepted", &report.result.urgent_accepted},
                                                              {"beyond window", &report.result.grey_extra}};
  for (const auto& [name, waits] : all) {
    if (waits->count() == 0) continue;
    Line line = {name, {}, false, static_cast<int>(plot.lines.size())};
    double sum = 0;
    for (const auto& [border, count] : waits->Buckets()) {
      sum += static_cast<double>(count);
      line.points.emplace_back(border, 100 * sum / static_cast<double>(waits->count()));
    }
    plot.lines.push_back(std::move(line));
  }
  return plot;
}

}  // namespace

absl::Status WritePlots(const Report& report, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot make ", folder, ": ", error.message()));
  const std::filesystem::path base(folder);
  absl::Status written = Write(Progress(report), base / absl::StrCat(report.scenario, "-progress.svg"));
  if (written.ok()) written = Write(Rates(report), base / absl::StrCat(report.scenario, "-rates.svg"));
  if (written.ok()) written = Write(Waits(report), base / absl::StrCat(report.scenario, "-waits.svg"));
  return written;
}

}  // namespace wavepost::sim
