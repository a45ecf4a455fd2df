// Which reports are on their way to the coordinator: sent, acknowledged, and how many more may go out. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace wavepost {

// Reports go out in order of sequence, in messages; at most kMessagesMax are unacknowledged at a time.
class ReportWindow {
 public:
  static constexpr size_t kMessagesMax = 4;
  static constexpr size_t kReportsPerMessageMax = 1000;

  // A new stream: whatever was not acknowledged is sent again.
  void Restart() {
    unacknowledged_.clear();
    sent_through_ = acknowledged_through_;
  }

  bool HasRoom() const { return unacknowledged_.size() < kMessagesMax; }
  // The next message begins after this sequence.
  int64_t sent_through() const { return sent_through_; }
  int64_t acknowledged_through() const { return acknowledged_through_; }

  void OnSent(int64_t last_sequence);
  // True if something new was acknowledged. Acknowledgements of what was never sent are ignored: forgetting a report
  // that the coordinator does not have would lose an outcome.
  bool OnAcknowledged(int64_t through_sequence);

 private:
  int64_t sent_through_ = 0;
  int64_t acknowledged_through_ = 0;
  std::deque<int64_t> unacknowledged_;  // last sequence of each message
};

}  // namespace wavepost
