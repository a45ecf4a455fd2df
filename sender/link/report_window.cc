#include "sender/link/report_window.h"

namespace wavepost {

void ReportWindow::OnSent(int64_t last_sequence) {
  sent_through_ = last_sequence;
  unacknowledged_.push_back(last_sequence);
}

bool ReportWindow::OnAcknowledged(int64_t through_sequence) {
  if (through_sequence <= acknowledged_through_ || through_sequence > sent_through_) return false;
  acknowledged_through_ = through_sequence;
  while (!unacknowledged_.empty() && unacknowledged_.front() <= through_sequence) unacknowledged_.pop_front();
  return true;
}

}  // namespace wavepost
