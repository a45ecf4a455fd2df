// A dialogue as text: what a client says, and the codes that it hears.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_replace.h"
#include "bouncer/inbound/dialogue.h"

namespace wavepost {

class DialogueFixture : public ::testing::Test {
 protected:
  using Wants = Dialogue::Wants;

  static constexpr RecipientId kId{7, 42};
  static constexpr RecipientId kOther{7, 43};

  DialogueFixture() { limits_.errors_max = 10; }

  static std::string Path(RecipientId id) {
    return ReturnPath(MakeToken(TokenKeys::ForTest(), id, 1), "bounce.example");
  }

  // Begins with limits_ and client_ as they are then; the rates are remembered from one to the next.
  Dialogue& dialogue() {
    if (shared_ == nullptr) {
      shared_ = std::make_unique<DialogueShared>("mx.bounce.example", limits_,
                                                 Mailboxes({.domain = "bounce.example"}, TokenKeys::ForTest()), 1);
    }
    if (dialogue_ == nullptr) dialogue_ = std::make_unique<Dialogue>(shared_.get(), client_);
    return *dialogue_;
  }
  size_t budget_left() const { return shared_->budget.left(); }

  // Sends lines (LF becomes CRLF; $1 and $2 are return paths), returns the reply codes; "STORE" where the message is to
  // be stored (answered with `stored_`), "TLS" where the handshake would be, "CLOSE" at the end.
  std::string Talk(std::string_view text) {
    return TalkBytes(absl::StrReplaceAll(absl::string_view(text.data(), text.size()),
                                         {{"\n", "\r\n"}, {"$1", Path(kId)}, {"$2", Path(kOther)}}));
  }

  std::string TalkBytes(std::string_view bytes) {
    std::string out;
    dialogue().Feed(bytes);
    for (;;) {
      const Wants wants = dialogue().Advance(now_);
      Codes(dialogue().TakeOutput(), &out);
      if (wants == Wants::kInput) return out;
      if (wants == Wants::kClose) return out + " CLOSE";
      if (wants == Wants::kHandshake) {
        out += " TLS";
        dialogue().Secured();
      } else if (wants == Wants::kStore) {
        messages_.push_back(dialogue().TakeMessage());
        out += " STORE";
        dialogue().Stored(stored_);
      }
    }
  }

  void Codes(const std::string& output, std::string* out) {
    all_output_ += output;
    for (size_t pos = 0; pos < output.size();) {
      const size_t end = output.find("\r\n", pos);
      ASSERT_NE(end, std::string::npos);
      if (output[pos + 3] == ' ') *out += (out->empty() ? "" : " ") + output.substr(pos, 3);
      pos = end + 2;
    }
  }

  InboundLimits limits_;
  Dialogue::Client client_;
  RateBook::Time now_{std::chrono::hours(1000)};
  std::unique_ptr<DialogueShared> shared_;
  std::unique_ptr<Dialogue> dialogue_;
  absl::Status stored_;
  std::vector<TakenMessage> messages_;
  std::string all_output_;
};

}  // namespace wavepost
