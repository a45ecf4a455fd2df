// bench-parse: how many mails that came back one core reads a second, from bytes to findings.
//
// Usage: bench-parse [DIR] [--seconds N] [--slowest N]
//
// DIR: a folder of mails (default: the samples of bouncer/report/testdata). All of it is read into memory, then over
// and over for N seconds (default 2) on one thread. CPU time counts, so that a busy machine only makes it take longer.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "bouncer/parse/files.h"
#include "bouncer/reading/reading.h"

namespace {

double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Mail {
  std::string name;
  std::string bytes;
  double seconds = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App flags("Mails that came back, read per second on one core.", "bench-parse");
  std::string folder = std::string(WAVEPOST_SOURCE_DIR) + "/bouncer/report/testdata";
  double seconds = 2;
  size_t slowest = 0;
  flags.add_option("folder", folder, "a folder of mails")->capture_default_str();
  flags.add_option("--seconds", seconds, "CPU seconds to measure for")->capture_default_str();
  flags.add_option("--slowest", slowest, "also name the N mails that take longest");
  CLI11_PARSE(flags, argc, argv);

  const auto files = wavepost::FindMailFiles(folder);
  if (!files.ok()) {
    std::fprintf(stderr, "bench-parse: %s\n", std::string(files.status().message()).c_str());
    return 1;
  }
  std::vector<Mail> mails;
  size_t bytes = 0;
  for (const wavepost::MailFile& file : *files) {
    absl::StatusOr<std::string> mail = wavepost::ReadMailFile(file);
    if (!mail.ok()) continue;
    bytes += mail->size();
    mails.push_back({file.name, *std::move(mail)});
  }
  if (mails.empty()) {
    std::fprintf(stderr, "bench-parse: %s holds no mails\n", folder.c_str());
    return 1;
  }

  size_t findings = 0;
  const auto read_all = [&] {
    for (Mail& mail : mails) {
      const double start = CpuSeconds();
      findings += wavepost::ReadMail(mail.bytes).findings.size();
      mail.seconds += CpuSeconds() - start;
    }
  };
  read_all();  // tables are made on first use
  for (Mail& mail : mails) mail.seconds = 0;
  findings = 0;
  size_t rounds = 0;
  const double start = CpuSeconds();
  double taken = 0;
  while (taken < seconds) {
    read_all();
    ++rounds;
    taken = CpuSeconds() - start;
  }
  const double count = static_cast<double>(rounds) * static_cast<double>(mails.size());
  std::printf(
      "%zu mails, %zu bytes on average, %zu rounds: %.0f mails/s, %.1f us each, %.1f MB/s, %zu findings a round\n",
      mails.size(), bytes / mails.size(), rounds, count / taken, taken / count * 1e6,
      static_cast<double>(bytes) * static_cast<double>(rounds) / taken / 1e6, findings / rounds);

  std::sort(mails.begin(), mails.end(), [](const Mail& a, const Mail& b) { return a.seconds > b.seconds; });
  for (size_t i = 0; i < std::min(slowest, mails.size()); ++i) {
    std::printf("%10.1f us  %8zu bytes  %s\n", mails[i].seconds / static_cast<double>(rounds) * 1e6,
                mails[i].bytes.size(), mails[i].name.c_str());
  }
  return 0;
}
