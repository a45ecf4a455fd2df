// The whole program but for main's wiring.
#pragma once

#include <string>
#include <vector>

#include "cli/cli.h"

namespace wavepost::cli {

// Parses `args` (without the program's name), runs the command, prints results to env.out, progress and errors to
// env.err. Returns the exit code. No exception leaves it.
int Run(const std::vector<std::string>& args, Env env);

}  // namespace wavepost::cli
