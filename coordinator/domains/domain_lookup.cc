#include "coordinator/domains/domain_lookup.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "common/base/strings.h"
#include "common/dns/resolver.h"

namespace wavepost {

absl::Status DomainLookup::Ask() {
  if (asked_ >= questions_max_) return absl::ResourceExhaustedError("too many DNS questions for one check");
  ++asked_;
  return absl::OkStatus();
}

Deadline DomainLookup::Wait() const {
  return std::min(deadline_, DeadlineAfter(kQuestionWait));
}

template <class T>
absl::StatusOr<T> DomainLookup::Take(absl::StatusOr<T> answer) {
  if (answer.status().code() == absl::StatusCode::kCancelled) cancelled_ = true;
  if (answer.status().code() == absl::StatusCode::kInvalidArgument) return T{};
  return answer;
}

Awaitable<absl::StatusOr<std::vector<std::string>>> DomainLookup::Txt(std::string name) {
  name = AsciiLower(name);
  if (const auto known = txt_.find(name); known != txt_.end()) co_return known->second;
  if (absl::Status may = Ask(); !may.ok()) co_return may;
  absl::StatusOr<TxtAnswer> answer = co_await resolver_->ResolveTxt(name, Wait());
  absl::StatusOr<std::vector<std::string>> texts = std::vector<std::string>();
  if (answer.ok()) {
    texts = std::move(answer->texts);
  } else {
    texts = Take<std::vector<std::string>>(answer.status());
  }
  txt_.emplace(name, texts);
  co_return texts;
}

Awaitable<absl::StatusOr<std::vector<MxRecord>>> DomainLookup::Mx(std::string name) {
  name = AsciiLower(name);
  if (const auto known = mx_.find(name); known != mx_.end()) co_return known->second;
  if (absl::Status may = Ask(); !may.ok()) co_return may;
  absl::StatusOr<std::vector<MxRecord>> answer = co_await resolver_->ResolveMxRecords(name, Wait());
  answer = Take(std::move(answer));
  mx_.emplace(name, answer);
  co_return answer;
}

Awaitable<absl::StatusOr<std::string>> DomainLookup::Cname(std::string name) {
  name = AsciiLower(name);
  if (const auto known = cname_.find(name); known != cname_.end()) co_return known->second;
  if (absl::Status may = Ask(); !may.ok()) co_return may;
  absl::StatusOr<std::string> answer = co_await resolver_->ResolveCname(name, Wait());
  answer = Take(std::move(answer));
  cname_.emplace(name, answer);
  co_return answer;
}

Awaitable<absl::StatusOr<bool>> DomainLookup::HasAddress(std::string name) {
  name = AsciiLower(name);
  if (const auto known = address_.find(name); known != address_.end()) co_return known->second;
  if (absl::Status may = Ask(); !may.ok()) co_return may;
  const absl::StatusOr<HostAddresses> host = co_await resolver_->ResolveHost(name, Wait());
  absl::StatusOr<bool> answer = host.ok();
  if (!host.ok() && host.status().code() != absl::StatusCode::kNotFound) answer = Take<bool>(host.status());
  address_.emplace(name, answer);
  co_return answer;
}

}  // namespace wavepost
