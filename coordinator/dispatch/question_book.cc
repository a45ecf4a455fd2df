#include "coordinator/dispatch/question_book.h"

#include "common/rpc/status.h"

namespace wavepost {

using cluster::v1::Answer;
using cluster::v1::Question;

bool QuestionBook::HasRoom(const std::string& node) const {
  const auto found = open_per_node_.find(node);
  return found == open_per_node_.end() || found->second < kOpenPerNodeMax;
}

int64_t QuestionBook::Add(const std::string& node, int64_t group) {
  const int64_t id = ++last_question_;
  open_[id] = {node, group};
  ++open_per_node_[node];
  groups_[group].open.insert(id);
  return id;
}

void QuestionBook::Close(int64_t id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  const auto count = open_per_node_.find(found->second.node);
  if (--count->second == 0) open_per_node_.erase(count);
  groups_[found->second.group].open.erase(id);
  open_.erase(found);
}

QuestionBook::Outgoing QuestionBook::Ask(std::map<std::string, Question> questions,
                                         const std::function<bool(const std::string&)>& is_attached,
                                         absl::Time deadline, std::function<void(NodeAnswers)> done) {
  Outgoing out;
  const int64_t id = --last_group_;
  const bool busy = groups_.size() >= kGroupsMax;
  Group& group = groups_[id];
  group.end = deadline;
  group.done = std::move(done);
  for (auto& [node, question] : questions) {
    if (busy || !is_attached(node) || !HasRoom(node)) {
      group.out.silent.push_back(node);
      continue;
    }
    question.set_id(Add(node, id));
    out.emplace_back(node, std::move(question));
  }
  if (group.open.empty()) Finish(id, absl::OkStatus());
  return out;
}

QuestionBook::Outgoing QuestionBook::StartTrace(int64_t trace, const std::vector<std::string>& nodes,
                                                const v1::TraceRequest& request,
                                                const std::function<bool(const std::string&)>& is_attached,
                                                absl::Time end, std::function<void(cluster::v1::TraceLines)> lines,
                                                std::function<void(absl::Status)> ended) {
  Outgoing out;
  if (groups_.size() >= kGroupsMax) {
    ended(ApiError(absl::StatusCode::kResourceExhausted, "BUSY", "too many questions are open; try again later"));
    return out;
  }
  Group& group = groups_[trace];
  group.end = end;
  group.lines = std::move(lines);
  group.ended = std::move(ended);
  for (const std::string& node : nodes) {
    if (!is_attached(node) || !HasRoom(node)) continue;
    Question question;
    question.set_id(Add(node, trace));
    *question.mutable_trace() = request;
    out.emplace_back(node, std::move(question));
  }
  if (group.open.empty()) {
    Finish(trace, ApiError(absl::StatusCode::kUnavailable, "NO_NODE", "no node can trace now; try again in a moment"));
  }
  return out;
}

QuestionBook::Outgoing QuestionBook::StopTrace(int64_t trace) {
  return Finish(trace, absl::OkStatus());
}

void QuestionBook::OnAnswer(const std::string& node, Answer answer) {
  const auto found = open_.find(answer.id());
  if (found == open_.end() || found->second.node != node) return;
  const int64_t id = found->second.group;
  Group& group = groups_[id];
  if (group.done == nullptr && answer.has_trace()) {
    group.lines(std::move(*answer.mutable_trace()));
    return;
  }
  Close(answer.id());
  if (group.done != nullptr) group.out.answers.emplace_back(node, std::move(answer));
  if (group.open.empty()) Finish(id, absl::OkStatus());
}

void QuestionBook::OnNodeGone(const std::string& node) {
  std::vector<int64_t> gone;
  for (const auto& [id, open] : open_) {
    if (open.node == node) gone.push_back(id);
  }
  for (const int64_t id : gone) {
    const int64_t group = open_[id].group;
    Close(id);
    groups_[group].out.silent.push_back(node);
    if (groups_[group].open.empty()) Finish(group, absl::OkStatus());
  }
}

QuestionBook::Outgoing QuestionBook::OnTick(absl::Time now) {
  std::vector<int64_t> over;
  for (const auto& [id, group] : groups_) {
    if (group.end <= now) over.push_back(id);
  }
  Outgoing out;
  for (const int64_t id : over) {
    for (auto& stop : Finish(id, absl::OkStatus())) out.push_back(std::move(stop));
  }
  return out;
}

void QuestionBook::Stop() {
  while (!groups_.empty()) {
    Finish(groups_.begin()->first,
           ApiError(absl::StatusCode::kUnavailable, "STOPPING", "the coordinator is stopping; try again in a moment"));
  }
}

QuestionBook::Outgoing QuestionBook::Finish(int64_t id, const absl::Status& status) {
  Outgoing stops;
  const auto found = groups_.find(id);
  if (found == groups_.end()) return stops;
  const std::set<int64_t> open = found->second.open;
  for (const int64_t question_id : open) {
    const std::string node = open_[question_id].node;
    Close(question_id);
    if (found->second.done != nullptr) {
      found->second.out.silent.push_back(node);
      continue;
    }
    Question stop;
    stop.set_id(++last_question_);
    stop.set_stop_trace(question_id);
    stops.emplace_back(node, std::move(stop));
  }
  Group group = std::move(found->second);
  groups_.erase(found);  // first: who is told may ask again
  if (group.done != nullptr) {
    group.done(std::move(group.out));
  } else {
    group.ended(status);
  }
  return stops;
}

}  // namespace wavepost
