// Waits for the request to stop (SIGTERM, SIGINT), and for the one to read files again (SIGHUP).
#pragma once

#include <functional>

namespace wavepost {

// Call first in main, before any thread is started: threads inherit the blocked signals. Also ignores SIGPIPE.
void BlockStopSignals();

// Returns the signal that came. A second one ends the process at once, as people at a keyboard expect.
// on_hangup: called for each SIGHUP, on this thread; null: SIGHUP stops as the others do.
int WaitForStopSignal(const std::function<void()>& on_hangup = nullptr);

}  // namespace wavepost
