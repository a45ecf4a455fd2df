// The server's splitter on arbitrary bytes: the same events however the stream is cut, and messages that end at
// CRLF.CRLF only.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/smtp/compose.h"
#include "common/smtp/server_input.h"

namespace wavepost {
namespace {

using Kind = ServerInput::Kind;

// The events as text; pieces of a message joined, kBadNewline of a message told at its end.
class Player {
 public:
  void Feed(std::string_view bytes) {
    input_.Feed(bytes);
    while (true) {
      const ServerInput::Event event = input_.Next();
      switch (event.kind) {
        case Kind::kNeedMore:
          return;
        case Kind::kData:
          WP_CHECK(!event.text.empty());
          data_ += event.text;
          break;
        case Kind::kDataEnd:
          log_.push_back((bad_ ? "bad " : "end ") + data_);
          data_.clear();
          in_data_ = bad_ = false;
          break;
        case Kind::kBadNewline:
          if (in_data_) {
            WP_CHECK(!bad_);
            bad_ = true;
          } else {
            log_.push_back("newline");
          }
          break;
        case Kind::kLineTooLong:
          log_.push_back("long");
          break;
        case Kind::kLine:
          WP_CHECK(event.text.size() <= ServerInput::kLineBytesMax);
          WP_CHECK(event.text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
          log_.push_back("line " + event.text);
          if (event.text == "D") {
            input_.BeginData();
            in_data_ = true;
          } else if (event.text.starts_with('B')) {
            input_.BeginBdat(event.text.size() - 1);
            in_data_ = true;
          }
          break;
      }
    }
  }
  std::vector<std::string> log() const { return log_; }

 private:
  ServerInput input_;
  std::vector<std::string> log_;
  std::string data_;
  bool in_data_ = false;
  bool bad_ = false;
};

}  // namespace
}  // namespace wavepost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wavepost;  // NOLINT: one function
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Player whole;
  whole.Feed(bytes);
  Player halves;
  const size_t cut = data[0] * bytes.size() / 256;
  halves.Feed(bytes.substr(0, cut));
  halves.Feed(bytes.substr(cut));
  WP_CHECK(whole.log() == halves.log());
  if (size < 2000) {
    Player single;
    for (const char& c : bytes) single.Feed({&c, 1});
    WP_CHECK(whole.log() == single.log());
  }
  // What our client makes of the bytes comes back canonical.
  Player client;
  std::string canonical;
  AppendCanonical(bytes, &canonical);
  const WireScan scan = ScanForWire(canonical);
  WP_CHECK(scan.canonical && ScanForWire(bytes).canonical == (bytes == canonical));
  std::string stuffed;
  AppendStuffed(canonical, scan.first_dot, &stuffed);
  stuffed += ".\r\n";
  WP_CHECK(stuffed == DotStuffed(bytes));
  client.Feed("D\r\n" + stuffed + "Q\r\n");
  WP_CHECK(client.log().size() == 3 && client.log()[2] == "line Q");
  const bool nul = bytes.find('\0') != std::string_view::npos;
  WP_CHECK(client.log()[1] == (nul ? "bad " : "end ") + canonical);
  return 0;
}
