// How a connection leaves: from an address of this machine, or through a proxy that has the address. Plain data.
#pragma once

#include <asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace wavepost {

// A SOCKS5 proxy (RFC 1928) that connects from the egress IP.
struct Socks5 {
  asio::ip::address host;
  uint16_t port = 1080;
  std::string user, password;  // RFC 1929; empty user: no authentication is offered. At most 255 bytes each
  // Set: the proxy has several addresses and is told by a BIND request in front of CONNECT from which one to connect
  // (not in RFC 1928; the proxy of KumoMTA knows it). Unset: the proxy's own address, or what its rules give this user.
  std::optional<asio::ip::address> bind_address;
};

// An egress host that takes a PROXY protocol header, version 2, and connects from its source to its destination.
struct ProxyV2 {
  asio::ip::address host;
  uint16_t port = 0;
  std::optional<asio::ip::address> bind_address;  // the source in the header where it is not EgressRoute::source
};

struct EgressRoute {
  asio::ip::address source;      // the egress IP, as people and receivers know it; unspecified: the system chooses
  std::string ehlo_name;         // what it says in EHLO
  std::optional<Socks5> socks5;  // at most one of the two
  std::optional<ProxyV2> proxy;
};

}  // namespace wavepost
