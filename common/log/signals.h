// Waits for the request to stop (SIGTERM, SIGINT).
#pragma once

namespace wavepost {

// Call first in main, before any thread is started: threads inherit the blocked signals. Also ignores SIGPIPE.
void BlockStopSignals();

// Returns the signal that came. A second one ends the process at once, as people at a keyboard expect.
int WaitForStopSignal();

}  // namespace wavepost
