// The questions that nodes have not answered yet, and for whom they were asked. Pure, but that it calls those who
// asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/dispatch/node_asker.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

class QuestionBook {
 public:
  static constexpr size_t kOpenPerNodeMax = 48;  // a node takes 64
  static constexpr size_t kGroupsMax = 500;      // calls that wait at a time

  // A question with its id, for a node.
  using Outgoing = std::vector<std::pair<std::string, cluster::v1::Question>>;

  // As NodeAsker::Ask. is_attached: who can be asked. Returns what has to be sent.
  Outgoing Ask(std::map<std::string, cluster::v1::Question> questions,
               const std::function<bool(const std::string&)>& is_attached, absl::Time deadline,
               std::function<void(NodeAnswers)> done);
  // As NodeAsker::StartTrace, under an id that the caller chose.
  Outgoing StartTrace(int64_t trace, const std::vector<std::string>& nodes, const v1::TraceRequest& request,
                      const std::function<bool(const std::string&)>& is_attached, absl::Time end,
                      std::function<void(cluster::v1::TraceLines)> lines, std::function<void(absl::Status)> ended);
  Outgoing StopTrace(int64_t trace);

  // Answers to questions that are not open (late, or made up by the node) are passed over.
  void OnAnswer(const std::string& node, cluster::v1::Answer answer);
  void OnNodeGone(const std::string& node);
  // Ends what has run out.
  Outgoing OnTick(absl::Time now);
  // Ends everything.
  void Stop();

  size_t open() const { return open_.size(); }

 private:
  struct Open {
    std::string node;
    int64_t group = 0;
  };
  struct Group {
    absl::Time end;
    std::set<int64_t> open;  // ids of questions
    NodeAnswers out;
    std::function<void(NodeAnswers)> done;  // null: a trace
    std::function<void(cluster::v1::TraceLines)> lines;
    std::function<void(absl::Status)> ended;
  };

  bool HasRoom(const std::string& node) const;
  // Opens a question of the group; its id.
  int64_t Add(const std::string& node, int64_t group);
  // The question is answered, or never will be.
  void Close(int64_t id);
  // Tells who asked. Questions that are still open are closed; of a trace, the stops are returned.
  Outgoing Finish(int64_t group, const absl::Status& status);

  int64_t last_question_ = 0;
  int64_t last_group_ = 0;  // counts down, so that no trace has its id
  std::map<int64_t, Open> open_;
  std::map<std::string, size_t> open_per_node_;
  std::map<int64_t, Group> groups_;
};

}  // namespace wavepost
