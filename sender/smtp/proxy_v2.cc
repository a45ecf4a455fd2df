#include "sender/smtp/proxy_v2.h"

#include <string_view>

#include "absl/status/status.h"

namespace wavepost {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr char kVersion2Proxy = 0x21;
constexpr char kTcpOverIpv4 = 0x11;
constexpr char kTcpOverIpv6 = 0x21;

void AppendPort(uint16_t port, std::string* out) {
  out->push_back(static_cast<char>(port >> 8));
  out->push_back(static_cast<char>(port & 0xff));
}

template <class Bytes>
void AppendBytes(const Bytes& bytes, std::string* out) {
  out->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

absl::StatusOr<std::string> ProxyV2Header(const asio::ip::address& source, const asio::ip::tcp::endpoint& destination) {
  if (source.is_unspecified() || source.is_v4() != destination.address().is_v4()) {
    return absl::FailedPreconditionError("PROXY v2 needs a source address of the destination's family");
  }
  std::string out(kSignature);
  out.push_back(kVersion2Proxy);
  if (source.is_v4()) {
    out.push_back(kTcpOverIpv4);
    AppendPort(12, &out);  // length
    AppendBytes(source.to_v4().to_bytes(), &out);
    AppendBytes(destination.address().to_v4().to_bytes(), &out);
  } else {
    out.push_back(kTcpOverIpv6);
    AppendPort(36, &out);
    AppendBytes(source.to_v6().to_bytes(), &out);
    AppendBytes(destination.address().to_v6().to_bytes(), &out);
  }
  AppendPort(0, &out);
  AppendPort(destination.port(), &out);
  return out;
}

}  // namespace wavepost
