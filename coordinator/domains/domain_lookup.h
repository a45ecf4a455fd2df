// DNS questions of one check: each name is asked for once, and there is an end to them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/async/deadline.h"
#include "common/async/tokens.h"
#include "common/dns/records.h"

namespace wavepost {

class Resolver;

// Owner: one coroutine on the resolver's thread. A question beyond `questions_max`: kResourceExhausted. Names that DNS
// cannot carry have no records: nobody can have published any there.
class DomainLookup {
 public:
  // resolver: outlives it. Each question has kQuestionWait, and `deadline` at the latest.
  DomainLookup(Resolver* resolver, Deadline deadline, int questions_max)
      : resolver_(resolver), deadline_(deadline), questions_max_(questions_max) {}
  DomainLookup(const DomainLookup&) = delete;
  DomainLookup& operator=(const DomainLookup&) = delete;

  static constexpr absl::Duration kQuestionWait = absl::Seconds(8);

  // As the methods of Resolver.
  Awaitable<absl::StatusOr<std::vector<std::string>>> Txt(std::string name);
  Awaitable<absl::StatusOr<std::vector<MxRecord>>> Mx(std::string name);
  Awaitable<absl::StatusOr<std::string>> Cname(std::string name);
  Awaitable<absl::StatusOr<bool>> HasAddress(std::string name);

  int asked() const { return asked_; }
  // A question was cancelled: the check is over.
  bool cancelled() const { return cancelled_; }

 private:
  // Whether one more question may be asked.
  absl::Status Ask();
  Deadline Wait() const;
  // Notes a cancellation; makes an empty answer of kInvalidArgument.
  template <class T>
  absl::StatusOr<T> Take(absl::StatusOr<T> answer);

  Resolver* const resolver_;
  const Deadline deadline_;
  const int questions_max_;
  int asked_ = 0;
  bool cancelled_ = false;
  std::map<std::string, absl::StatusOr<std::vector<std::string>>> txt_;
  std::map<std::string, absl::StatusOr<std::vector<MxRecord>>> mx_;
  std::map<std::string, absl::StatusOr<std::string>> cname_;
  std::map<std::string, absl::StatusOr<bool>> address_;
};

}  // namespace wavepost
