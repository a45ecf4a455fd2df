// The coordinator's open questions, and the answers that wait for the stream.
//
// Answers may come from any thread, at any time, several for one question (trace); what comes for a question that is
// not open any more (answered, stopped, asked on a stream that broke) is dropped. Nothing grows: see the limits.
//
// Threads: all methods may be called from any thread. Clockless: times come in as arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

// Made as a shared_ptr: the answer functions that it gives out keep it.
class AnswerDesk : public std::enable_shared_from_this<AnswerDesk> {
 public:
  static constexpr size_t kOpenMax = 64;            // questions at a time
  static constexpr size_t kLinesWaitingMax = 1000;  // trace lines that the stream has not taken; more are dropped, and
                                                    // how many is said in a line of its own
  static constexpr int kLinesPerMessage = 200;
  static constexpr absl::Duration kTraceMax = absl::Minutes(10);
  static constexpr absl::Duration kAnswerMax = absl::Minutes(1);

  using AnswerFn = std::function<void(cluster::v1::Answer)>;

  // wake: an answer waits; called on the thread that answered, and must be short.
  explicit AnswerDesk(std::function<void()> wake) : wake_(std::move(wake)) {}

  // The function to answer with (it fills in the id), or null: kOpenMax are open, or one with that id is. A question
  // but a trace is closed by its first answer; a trace by one with a problem, by one with nothing set, or by Close.
  AnswerFn Open(const cluster::v1::Question& question, absl::Time now);
  // False: it was not open.
  bool Close(int64_t id);
  // Closes what is over: traces, which come back, and questions that nobody has answered for kAnswerMax.
  std::vector<int64_t> CloseExpired(absl::Time now);
  // The stream has ended: closes everything, drops what waits. Returns the traces that were open.
  std::vector<int64_t> Reset();
  // The next answer for the stream, or nothing.
  std::optional<cluster::v1::Answer> Next();
  // wake is not called any more when this has returned.
  void Detach();

  int64_t lines_dropped() const;  // since the start

 private:
  struct Question {
    bool trace = false;
    absl::Time end = absl::InfiniteFuture();
    int64_t dropped = 0;  // lines that its reader has not been told of
  };

  void Take(int64_t generation, int64_t id, cluster::v1::Answer answer);
  void TakeLines(int64_t id, Question* question, cluster::v1::TraceLines* lines);
  void AddLine(int64_t id, wavepost::v1::TraceLine line);

  mutable std::mutex mutex_;
  std::function<void()> wake_;  // guarded by mutex_, as everything below
  int64_t generation_ = 0;      // of the stream
  absl::flat_hash_map<int64_t, Question> open_;
  std::deque<cluster::v1::Answer> waiting_;
  size_t lines_waiting_ = 0;
  int64_t lines_dropped_ = 0;
};

}  // namespace wavepost
