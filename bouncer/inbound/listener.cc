#include "bouncer/inbound/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

using Protocol = asio::generic::stream_protocol;

absl::StatusOr<StreamAcceptor> Open(asio::io_context& io, const Protocol::endpoint& endpoint,
                                    const std::string& address) {
  StreamAcceptor acceptor(io);
  asio::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return acceptor;
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ", error.message(),
                                             "; choose another address, or stop the process that has it"));
}

// Removes a socket that a process left behind when it was killed.
absl::Status MakeRoom(const std::string& path, const std::string& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": a file that is no socket is there"));
  }
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  asio::error_code error;
  socket.connect(asio::local::stream_protocol::endpoint(path), error);
  if (!error) return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": another process does"));
  ::unlink(path.c_str());
  return absl::OkStatus();
}

absl::StatusOr<Listener> OpenPath(asio::io_context& io, const std::string& path, const std::string& address) {
  if (path.empty() || path.front() != '/' || path.size() >= sizeof(sockaddr_un{}.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("listen: '", Av(Printable(address)),
                                                   "' is not unix: and an absolute path of at most ",
                                                   sizeof(sockaddr_un{}.sun_path) - 1, " bytes"));
  }
  RETURN_IF_ERROR(MakeRoom(path, address));
  ASSIGN_OR_RETURN(StreamAcceptor acceptor, Open(io, asio::local::stream_protocol::endpoint(path), address));
  if (::chmod(path.c_str(), 0660) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": its mode cannot be changed"));
  }
  return Listener{std::move(acceptor), 0};
}

}  // namespace

absl::StatusOr<Listener> OpenListener(asio::io_context& io, const std::string& address) {
  constexpr std::string_view kUnix = "unix:";
  if (address.starts_with(kUnix)) return OpenPath(io, address.substr(kUnix.size()), address);
  const size_t colon = address.rfind(':');
  std::string host = colon == std::string::npos ? address : address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  asio::error_code error;
  const asio::ip::address ip = asio::ip::make_address(host, error);
  int port = -1;
  if (error || colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("listen: '", Av(Printable(address)), "' is not IP:PORT, e.g. 127.0.0.1:2526 or [::]:25"));
  }
  const asio::ip::tcp::endpoint endpoint(ip, static_cast<uint16_t>(port));
  ASSIGN_OR_RETURN(StreamAcceptor acceptor, Open(io, endpoint, address));
  sockaddr_storage bound{};
  socklen_t length = sizeof(bound);
  if (::getsockname(acceptor.native_handle(), reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address));
  }
  asio::ip::tcp::endpoint local;
  std::memcpy(local.data(), &bound, std::min<size_t>(length, local.capacity()));
  return Listener{std::move(acceptor), local.port()};
}

}  // namespace wavepost
