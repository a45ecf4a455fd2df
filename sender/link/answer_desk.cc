#include "sender/link/answer_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace wavepost {

AnswerDesk::AnswerFn AnswerDesk::Open(const cluster::v1::Question& question, absl::Time now) {
  const std::lock_guard lock(mutex_);
  if (open_.size() >= kOpenMax || open_.contains(question.id())) return nullptr;
  Question& entry = open_[question.id()];
  entry.end = now + kAnswerMax;
  if (question.has_trace()) {
    absl::Duration length = kTraceMax;
    if (question.trace().has_duration()) {
      length = std::clamp(
          absl::Seconds(question.trace().duration().seconds()) + absl::Nanoseconds(question.trace().duration().nanos()),
          absl::ZeroDuration(), kTraceMax);
    }
    entry.trace = true;
    entry.end = now + length;
  }
  return [self = shared_from_this(), generation = generation_, id = question.id()](cluster::v1::Answer answer) {
    self->Take(generation, id, std::move(answer));
  };
}

void AnswerDesk::Take(int64_t generation, int64_t id, cluster::v1::Answer answer) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  if (generation != generation_ || found == open_.end()) return;
  Question& question = found->second;
  if (question.trace && answer.has_trace()) {
    TakeLines(id, &question, answer.mutable_trace());
  } else {
    // One without content says that a trace has ended; the coordinator hears that too.
    answer.set_id(id);
    open_.erase(found);
    waiting_.push_back(std::move(answer));
  }
  if (wake_) wake_();
}

void AnswerDesk::TakeLines(int64_t id, Question* question, cluster::v1::TraceLines* lines) {
  for (wavepost::v1::TraceLine& line : *lines->mutable_lines()) {
    // One place is kept for the line that says how many are missing.
    if (lines_waiting_ + 1 >= kLinesWaitingMax) {
      ++question->dropped;
      ++lines_dropped_;
      continue;
    }
    if (question->dropped > 0) {
      wavepost::v1::TraceLine gap;
      *gap.mutable_time() = line.time();
      gap.set_direction("*");
      gap.set_text(absl::StrCat(question->dropped, " lines left out: the reader is too slow"));
      question->dropped = 0;
      AddLine(id, std::move(gap));
    }
    AddLine(id, std::move(line));
  }
}

void AnswerDesk::AddLine(int64_t id, wavepost::v1::TraceLine line) {
  if (waiting_.empty() || waiting_.back().id() != id || !waiting_.back().has_trace() ||
      waiting_.back().trace().lines_size() >= kLinesPerMessage) {
    waiting_.emplace_back().set_id(id);
  }
  *waiting_.back().mutable_trace()->add_lines() = std::move(line);
  ++lines_waiting_;
}

std::optional<cluster::v1::Answer> AnswerDesk::Next() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  cluster::v1::Answer answer = std::move(waiting_.front());
  waiting_.pop_front();
  if (answer.has_trace()) lines_waiting_ -= static_cast<size_t>(answer.trace().lines_size());
  return answer;
}

bool AnswerDesk::Close(int64_t id) {
  const std::lock_guard lock(mutex_);
  return open_.erase(id) > 0;
}

std::vector<int64_t> AnswerDesk::CloseExpired(absl::Time now) {
  const std::lock_guard lock(mutex_);
  std::vector<int64_t> traces;
  absl::erase_if(open_, [&](const auto& entry) {
    if (entry.second.end > now) return false;
    if (entry.second.trace) traces.push_back(entry.first);
    return true;
  });
  return traces;
}

std::vector<int64_t> AnswerDesk::Reset() {
  const std::lock_guard lock(mutex_);
  std::vector<int64_t> ids;
  for (const auto& [id, question] : open_) {
    if (question.trace) ids.push_back(id);
  }
  ++generation_;
  open_.clear();
  waiting_.clear();
  lines_waiting_ = 0;
  return ids;
}

void AnswerDesk::Detach() {
  const std::lock_guard lock(mutex_);
  wake_ = nullptr;
}

int64_t AnswerDesk::lines_dropped() const {
  const std::lock_guard lock(mutex_);
  return lines_dropped_;
}

}  // namespace wavepost
