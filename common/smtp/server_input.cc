#include "common/smtp/server_input.h"

#include <algorithm>
#include <array>
#include <utility>

namespace wavepost {
namespace {

// Bytes of a message that need a look: CR, LF, NUL. A table, because find_first_of asks memchr about each byte.
constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> special{};
  special['\r'] = special['\n'] = special['\0'] = true;
  return special;
}();

size_t PlainRun(std::string_view bytes) {
  size_t i = 0;
  while (i < bytes.size() && !kSpecial[static_cast<unsigned char>(bytes[i])]) ++i;
  return i;
}

}  // namespace

void ServerInput::Feed(std::string_view bytes) {
  // Consumed bytes go first, so that the buffer never grows with the connection's age.
  if (pos_ > 0) {
    buffer_.erase(0, pos_);
    pos_ = 0;
  }
  buffer_.append(bytes);
}

void ServerInput::DropBuffered() {
  buffer_.clear();
  pos_ = scanned_ = 0;
  mode_ = Mode::kCommand;
}

void ServerInput::BeginData() {
  mode_ = Mode::kData;
  data_state_ = DataState::kLineStart;
  bad_reported_ = bad_pending_ = false;
  scanned_ = 0;
}

void ServerInput::BeginBdat(uint64_t bytes) {
  mode_ = Mode::kBdat;
  bdat_left_ = bytes;
  scanned_ = 0;
}

ServerInput::Event ServerInput::Next() {
  switch (mode_) {
    case Mode::kSkipLine:
      if (!SkipLine()) return {};
      [[fallthrough]];
    case Mode::kCommand:
      return NextLine();
    case Mode::kData:
      return NextData();
    case Mode::kBdat:
      return NextBdat();
  }
  return {};
}

ServerInput::Event ServerInput::NextLine() {
  const std::string_view rest = std::string_view(buffer_).substr(pos_);
  for (size_t i = scanned_; i < rest.size(); ++i) {
    const char c = rest[i];
    const bool cr = c == '\r';
    if (cr && i + 1 == rest.size()) {  // is it CRLF? the next byte tells
      scanned_ = i;
      return {};
    }
    if (cr && rest[i + 1] == '\n') {
      Event event{Kind::kLine, std::string(rest.substr(0, i))};
      pos_ += i + 2;
      scanned_ = 0;
      return event;
    }
    const bool bad = cr || c == '\n' || c == '\0';
    if (bad || i >= kLineBytesMax) {
      pos_ += i + 1;
      scanned_ = 0;
      mode_ = Mode::kSkipLine;
      return {bad ? Kind::kBadNewline : Kind::kLineTooLong, {}};
    }
  }
  scanned_ = rest.size();
  return {};
}

bool ServerInput::SkipLine() {
  const size_t end = buffer_.find("\r\n", pos_);
  if (end != std::string::npos) {
    pos_ = end + 2;
    mode_ = Mode::kCommand;
    return true;
  }
  // A CR at the end may be half of the CRLF: it stays.
  pos_ = buffer_.size() - (pos_ < buffer_.size() && buffer_.back() == '\r' ? 1 : 0);
  return false;
}

ServerInput::Event ServerInput::NextData() {
  if (bad_pending_) {
    bad_pending_ = false;
    bad_reported_ = true;
    return {Kind::kBadNewline, {}};
  }
  std::string out;
  while (pos_ < buffer_.size() && out.size() < kDataPieceBytesMax) {
    // The long run of a line goes in one step; everything else a byte at a time.
    if (data_state_ == DataState::kText) {
      const std::string_view rest = std::string_view(buffer_).substr(pos_, kDataPieceBytesMax - out.size());
      const size_t run = PlainRun(rest);
      out.append(rest.substr(0, run));
      pos_ += run;
      if (run == rest.size()) continue;
    }
    const char c = buffer_[pos_];
    bool bad = false;
    switch (data_state_) {
      case DataState::kDot:  // the dot is taken off, whatever follows (RFC 5321 4.5.2)
        if (c == '\r') {
          data_state_ = DataState::kDotCr;
          ++pos_;
          continue;
        }
        data_state_ = DataState::kText;
        break;
      case DataState::kDotCr:
        if (c == '\n') {
          if (!out.empty()) return {Kind::kData, std::move(out)};  // the end comes next, from this very byte
          ++pos_;
          mode_ = Mode::kCommand;
          return {Kind::kDataEnd, {}};
        }
        data_state_ = DataState::kCr;
        [[fallthrough]];
      case DataState::kCr:
        if (c == '\n') {
          out += "\r\n";
          data_state_ = DataState::kLineStart;
          ++pos_;
          continue;
        }
        out += '\r';
        bad = true;
        data_state_ = DataState::kText;
        break;
      case DataState::kLineStart:
        data_state_ = c == '.' ? DataState::kDot : DataState::kText;
        if (c == '.') {
          ++pos_;
          continue;
        }
        break;
      case DataState::kText:
        break;
    }
    // Here data_state_ is kText and c is not yet consumed.
    if (c == '\r') {
      data_state_ = DataState::kCr;
    } else {
      if (c == '\n' || c == '\0') bad = true;
      out += c;
    }
    ++pos_;
    if (bad && !bad_reported_) {
      bad_pending_ = true;
      break;
    }
  }
  if (!out.empty()) return {Kind::kData, std::move(out)};
  return {};
}

ServerInput::Event ServerInput::NextBdat() {
  if (bdat_left_ == 0) {
    mode_ = Mode::kCommand;
    return {Kind::kDataEnd, {}};
  }
  const size_t have = std::min<uint64_t>({buffer_.size() - pos_, bdat_left_, kDataPieceBytesMax});
  if (have == 0) return {};
  Event event{Kind::kData, buffer_.substr(pos_, have)};
  pos_ += have;
  bdat_left_ -= have;
  return event;
}

}  // namespace wavepost
