// The reply parser and the classifier on arbitrary bytes, cut in two at a place that the first byte chooses.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/base/strings.h"
#include "common/smtp/classify.h"
#include "common/smtp/extensions.h"
#include "common/smtp/reply.h"

namespace wavepost {
namespace {

std::vector<Reply> Parse(std::string_view a, std::string_view b, bool* ok) {
  ReplyParser parser;
  *ok = parser.Feed(a).ok() && parser.Feed(b).ok();
  std::vector<Reply> replies;
  while (std::optional<Reply> reply = parser.Next()) replies.push_back(*std::move(reply));
  return replies;
}

void Check(const Reply& reply, Phase phase) {
  WP_CHECK(reply.code >= 200 && reply.code < 600);
  WP_CHECK(!reply.lines.empty() && reply.lines.size() <= ReplyParser::kLinesMax);
  const std::string text = reply.Text();
  WP_CHECK(text.size() <= 1024 && IsUtf8(text));
  ParseEhlo(reply);
  const Verdict verdict = Classify(reply, phase);
  WP_CHECK((verdict.kind == Verdict::Kind::kAccepted) == verdict.rule.empty());
  WP_CHECK(verdict.kind != Verdict::Kind::kPermanent || reply.permanent());
  WP_CHECK(!reply.positive() || verdict.kind == Verdict::Kind::kAccepted);
  WP_CHECK(verdict.fault != v1::RECIPIENT || phase == Phase::kRcpt || phase == Phase::kData ||
           phase == Phase::kEndOfData);
  WP_CHECK(!verdict.retry_hint || (*verdict.retry_hint >= absl::Seconds(1) && *verdict.retry_hint <= absl::Hours(24)));
}

}  // namespace
}  // namespace wavepost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wavepost;  // NOLINT: one function
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Phase phase = static_cast<Phase>(data[1] % 10);
  const size_t cut = data[0] * bytes.size() / 256;
  bool ok = false, ok_cut = false;
  const std::vector<Reply> whole = Parse(bytes, "", &ok);
  const std::vector<Reply> halves = Parse(bytes.substr(0, cut), bytes.substr(cut), &ok_cut);
  WP_CHECK(ok == ok_cut && whole.size() == halves.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    WP_CHECK(whole[i].lines == halves[i].lines && whole[i].code == halves[i].code);
    Check(whole[i], phase);
  }
  if (const std::optional<Reply> reply = ReplyFromText(bytes)) Check(*reply, phase);
  return 0;
}
