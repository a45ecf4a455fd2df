// wavepost: the command line of Wavepost, a plain client of its public API. 'wavepost --help' is the manual.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/app.h"
#include "cli/terminal.h"
#include "common/base/clock.h"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  wavepost::SystemClock clock;
  wavepost::cli::Env env;
  env.out = &std::cout;
  env.err = &std::cerr;
  env.in = &std::cin;
  env.in_is_terminal = isatty(STDIN_FILENO) == 1;
  env.clock = &clock;
  env.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  env.err_is_terminal = isatty(STDERR_FILENO) == 1;
  if (env.in_is_terminal && env.err_is_terminal) {
    env.ask_secret = [](std::string_view prompt) { return wavepost::cli::ReadSecret(STDIN_FILENO, prompt, std::cerr); };
  }
  winsize size{};
  if (ioctl(env.out_is_terminal ? STDOUT_FILENO : STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    env.columns = size.ws_col;
  }
  std::random_device random;
  env.nonce = absl::StrCat(absl::Hex(random(), absl::kZeroPad8), absl::Hex(random(), absl::kZeroPad8),
                           absl::Hex(random(), absl::kZeroPad8), absl::Hex(random(), absl::kZeroPad8));
  return wavepost::cli::Run(std::vector<std::string>(argv + 1, argv + argc), env);
}
