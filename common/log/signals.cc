#include "common/log/signals.h"

#include <csignal>

namespace wavepost {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void BlockStopSignals() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int WaitForStopSignal(const std::function<void()>& on_hangup) {
  const sigset_t set = StopSignals();
  int signal = 0;
  sigwait(&set, &signal);
  while (signal == SIGHUP && on_hangup) {
    on_hangup();
    sigwait(&set, &signal);
  }
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return signal;
}

}  // namespace wavepost
