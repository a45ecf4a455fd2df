#include "sender/smtp/socks5.h"

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

constexpr char kVersion = 5;
constexpr char kLoginVersion = 1;
constexpr char kNoLogin = 0;
constexpr char kUserAndPassword = 2;
constexpr unsigned char kNoMethod = 0xff;
constexpr char kIpv4 = 1;
constexpr char kDomain = 3;
constexpr char kIpv6 = 4;
constexpr size_t kLoginBytesMax = 255;

template <class Bytes>
void AppendBytes(const Bytes& bytes, std::string* out) {
  out->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string_view AnswerText(unsigned char code) {
  switch (code) {
    case 1:
      return "general failure";
    case 2:
      return "not allowed by its rules";
    case 3:
      return "network unreachable";
    case 4:
      return "host unreachable";
    case 5:
      return "connection refused";
    case 6:
      return "TTL expired";
    case 7:
      return "command not supported";
    case 8:
      return "address type not supported";
    default:
      return "unknown error";
  }
}

}  // namespace

std::string Socks5Greeting(const Socks5& proxy) {
  if (proxy.user.empty()) return {kVersion, 1, kNoLogin};
  return {kVersion, 2, kNoLogin, kUserAndPassword};
}

absl::Status Socks5Choice(std::string_view answer, const Socks5& proxy, bool* login) {
  *login = false;
  if (answer.size() != kSocks5ChoiceBytes || answer[0] != kVersion) {
    return absl::FailedPreconditionError("does not speak SOCKS5: check its port and kind");
  }
  if (answer[1] == kNoLogin) return absl::OkStatus();
  if (answer[1] == kUserAndPassword && !proxy.user.empty()) {
    *login = true;
    return absl::OkStatus();
  }
  if (static_cast<unsigned char>(answer[1]) == kNoMethod && proxy.user.empty()) {
    return absl::FailedPreconditionError("wants a login: configure its user and password");
  }
  return absl::FailedPreconditionError("accepts neither user and password nor no login: check its authentication");
}

absl::Status Socks5Login(const Socks5& proxy, std::string* message) {
  if (proxy.user.empty() || proxy.user.size() > kLoginBytesMax || proxy.password.empty() ||
      proxy.password.size() > kLoginBytesMax) {
    return absl::FailedPreconditionError("user and password must have 1 to 255 bytes each: check the configuration");
  }
  *message = {kLoginVersion, static_cast<char>(proxy.user.size())};
  *message += proxy.user;
  message->push_back(static_cast<char>(proxy.password.size()));
  *message += proxy.password;
  return absl::OkStatus();
}

absl::Status Socks5LoginAnswer(std::string_view answer) {
  // RFC 1929 gives the answer the version 1; some proxies say 5.
  if (answer.size() == kSocks5ChoiceBytes && answer[1] == 0) return absl::OkStatus();
  return absl::FailedPreconditionError("refuses our user and password: check both");
}

std::string Socks5Request(Socks5Command command, const asio::ip::address& address, uint16_t port) {
  std::string out = {kVersion, static_cast<char>(command), 0};
  if (address.is_v4()) {
    out.push_back(kIpv4);
    AppendBytes(address.to_v4().to_bytes(), &out);
  } else {
    out.push_back(kIpv6);
    AppendBytes(address.to_v6().to_bytes(), &out);
  }
  out.push_back(static_cast<char>(port >> 8));
  out.push_back(static_cast<char>(port & 0xff));
  return out;
}

int Socks5AnswerRest(std::string_view head) {
  if (head.size() != kSocks5HeadBytes || head[0] != kVersion) return -1;
  // The head holds the first byte of the address already; a port follows it.
  switch (head[3]) {
    case kIpv4:
      return 4 - 1 + 2;
    case kIpv6:
      return 16 - 1 + 2;
    case kDomain:
      return static_cast<unsigned char>(head[4]) + 2;
    default:
      return -1;
  }
}

absl::Status Socks5Answer(Socks5Command command, std::string_view head) {
  if (head.size() != kSocks5HeadBytes || head[0] != kVersion) {
    return absl::FailedPreconditionError("does not speak SOCKS5: check its port and kind");
  }
  const unsigned char code = static_cast<unsigned char>(head[1]);
  if (code == 0) return absl::OkStatus();
  const std::string_view text = AnswerText(code);
  const std::string said = absl::StrCat("says \"", absl::string_view(text.data(), text.size()), "\" (", code, ")");
  if (command == Socks5Command::kBind) {
    return absl::FailedPreconditionError(absl::StrCat(
        said, " to the address to bind: is it an address of the proxy's machine, and does the proxy know BIND?"));
  }
  // 1 is what many proxies say for any host that they cannot reach.
  if (code == 1 || (code >= 3 && code <= 6)) return absl::UnavailableError(said);
  return absl::FailedPreconditionError(absl::StrCat(said, ": check its rules for this machine and port"));
}

}  // namespace wavepost
