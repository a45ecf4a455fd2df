#include "cli/terminal.h"

#include <termios.h>
#include <unistd.h>

#include <cerrno>

namespace wavepost::cli {
namespace {

constexpr char kInterrupt = 0x03;  // Ctrl-C
constexpr char kEndOfInput = 0x04;
constexpr char kErase = 0x08;
constexpr char kEraseLine = 0x15;  // Ctrl-U
constexpr char kQuit = 0x1C;
constexpr char kDelete = 0x7F;

// Takes a character off the end, not only a byte of it.
void EraseLast(std::string* text) {
  while (!text->empty() && (static_cast<unsigned char>(text->back()) & 0xC0) == 0x80) text->pop_back();
  if (!text->empty()) text->pop_back();
}

std::optional<std::string> ReadLine(int fd) {
  std::string line;
  while (true) {
    char c = 0;
    const ssize_t n = read(fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || c == kInterrupt || c == kQuit) return std::nullopt;
    if (c == '\n' || c == '\r') return line;
    if (c == kEndOfInput) {
      if (line.empty()) return std::nullopt;
      return line;
    }
    if (c == kErase || c == kDelete) {
      EraseLast(&line);
    } else if (c == kEraseLine) {
      line.clear();
    } else if (line.size() < kSecretBytesMax) {
      line += c;
    } else {
      return std::nullopt;
    }
  }
}

}  // namespace

std::optional<std::string> ReadSecret(int fd, std::string_view prompt, std::ostream& err) {
  termios before{};
  if (tcgetattr(fd, &before) != 0) return std::nullopt;
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG);
  silent.c_cc[VMIN] = 1;
  silent.c_cc[VTIME] = 0;
  // What was typed ahead, with echo, is not the password.
  if (tcsetattr(fd, TCSAFLUSH, &silent) != 0) return std::nullopt;
  err << prompt << std::flush;
  auto line = ReadLine(fd);
  tcsetattr(fd, TCSAFLUSH, &before);
  err << "\n" << std::flush;
  return line;
}

}  // namespace wavepost::cli
