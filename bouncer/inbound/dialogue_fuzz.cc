// The SMTP and LMTP dialogue on arbitrary bytes in arbitrary pieces: every line of output is a reply, memory returns,
// nothing with a bad newline is taken, and the pieces make no difference.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bouncer/inbound/dialogue.h"
#include "common/base/check.h"

namespace wavepost {
namespace {

constexpr size_t kReadBytes = 8 * 1024;  // as Connection reads
// What gathers before it is sent, and the longest that one event can add: LMTP's replies for each recipient.
constexpr size_t kOutputBytesMax = 4 * 1024 + 8 * 1024;

InboundLimits Limits() {
  InboundLimits limits;
  limits.message_bytes_max = 2000;
  limits.head_bytes_max = 300;
  limits.connections_max = 0;  // no reserve for them
  limits.memory_bytes_max = Dialogue::kPlainBytes + Dialogue::kTlsBytes + 3 * Dialogue::kRecipientBytes;
  limits.hops_max = 3;
  // No tables of megabytes for each run.
  limits.client_messages_per_minute = limits.network_messages_per_minute = limits.recipient_messages_per_hour = 0;
  return limits;
}

// Short names for what random bytes would never guess.
std::string Expand(std::string_view bytes) {
  static const std::string token = MakeToken(TokenKeys::ForTest(), {7, 42}, 1);
  static const std::string unsubscribe = *UnsubscribeToken(token);
  std::string out;
  for (const char c : bytes) {
    switch (c) {
      case '\x01':
        out += "MAIL FROM:<>\r\n";
        break;
      case '\x02':
        out += "RCPT TO:<b+" + token + "@bounce.example>\r\n";
        break;
      case '\x03':
        out += "RCPT TO:<u+" + unsubscribe + "@bounce.example>\r\n";
        break;
      case '\x04':
        out += "\r\n.\r\n";
        break;
      case '\x05':
        out += "BDAT 5\r\n";
        break;
      default:
        out += c;
    }
  }
  return out;
}

struct Talk {
  std::string said;
  int taken = 0;
  bool closed = false;
};

void CheckReplies(std::string_view output) {
  WP_CHECK(output.empty() || output.ends_with("\r\n"));
  for (size_t pos = 0; pos < output.size();) {
    const size_t end = output.find("\r\n", pos);
    const std::string_view line = output.substr(pos, end - pos);
    WP_CHECK(line.size() >= 4 && line.size() <= 512 && line[0] >= '2' && line[0] <= '5');
    WP_CHECK(line[3] == ' ' || line[3] == '-');
    WP_CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    pos = end + 2;
  }
}

Talk Converse(std::string_view bytes, size_t piece, const Dialogue::Client& client) {
  DialogueShared shared("mx.bounce.example", Limits(), Mailboxes({.domain = "bounce.example"}, TokenKeys::ForTest()),
                        1);
  Talk talk;
  {
    Dialogue dialogue(&shared, client);
    for (bool first = true; !talk.closed && (first || !bytes.empty()); first = false) {
      dialogue.Feed(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
      for (bool more = true; more;) {
        const Dialogue::Wants wants = dialogue.Advance({});
        const std::string output = dialogue.TakeOutput();
        WP_CHECK(output.size() <= kOutputBytesMax);
        CheckReplies(output);
        talk.said += output;
        switch (wants) {
          case Dialogue::Wants::kInput:
            more = false;
            break;
          case Dialogue::Wants::kOutput:
            WP_CHECK(!output.empty());
            break;
          case Dialogue::Wants::kHandshake:
            // What was said in clear text is gone; how much of it had been read depends on the pieces.
            talk.closed = true;
            more = false;
            break;
          case Dialogue::Wants::kStore: {
            const TakenMessage message = dialogue.TakeMessage();
            WP_CHECK(!message.envelope.empty());
            WP_CHECK(message.head.size() <= static_cast<size_t>(Limits().message_bytes_max));
            ++talk.taken;
            dialogue.Stored(absl::OkStatus());
            break;
          }
          case Dialogue::Wants::kClose:
            talk.closed = true;
            more = false;
            break;
        }
      }
    }
  }
  WP_CHECK(shared.budget.left() == Limits().memory_bytes_max);
  WP_CHECK(shared.whole_budget.left() == Limits().memory_bytes_max / 4);
  return talk;
}

// A message with a bad newline at its very end is never taken, whatever came before it.
void CheckSmuggling(std::string_view bytes, const Dialogue::Client& client) {
  if (client.protocol == Dialogue::Protocol::kLmtp) return;
  const std::string ends[] = {"\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n\r.\r\n"};
  const std::string content(bytes.substr(0, 200));
  if (content.find("\r\n.\r\n") != std::string::npos || content.starts_with(".\r\n")) return;
  for (const std::string& end : ends) {
    const Talk talk = Converse(Expand("EHLO c\r\n\x01\x02"
                                      "DATA\r\n") +
                                   content + "x" + end + "x\r\n.\r\n",
                               kReadBytes, client);
    WP_CHECK(talk.taken == 0);
  }
}

}  // namespace
}  // namespace wavepost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wavepost;  // NOLINT: one function
  if (size < 2 || size > 20'000) return 0;
  Dialogue::Client client;
  if ((data[0] & 1) != 0) client.protocol = Dialogue::Protocol::kLmtp;
  client.offer_tls = (data[0] & 2) != 0;
  const std::string_view raw(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string bytes = Expand(raw);
  const Talk whole = Converse(bytes, kReadBytes, client);
  const Talk pieces = Converse(bytes, size_t{1} + data[1] % 64, client);
  WP_CHECK(whole.said == pieces.said && whole.taken == pieces.taken);
  CheckSmuggling(raw, client);
  return 0;
}
