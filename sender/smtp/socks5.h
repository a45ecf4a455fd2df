// The client's messages of SOCKS5 (RFC 1928, RFC 1929) and what the proxy's answers mean. Knows no sockets.
#pragma once

#include <asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "sender/smtp/egress_route.h"

namespace wavepost {

enum class Socks5Command : uint8_t { kConnect = 1, kBind = 2 };

inline constexpr size_t kSocks5ChoiceBytes = 2;  // the answer to the greeting, and that to user and password
inline constexpr size_t kSocks5HeadBytes = 5;    // of the answer to a request: enough to know how long it is

// The first message: how we can prove who we are.
std::string Socks5Greeting(const Socks5& proxy);

// answer: kSocks5ChoiceBytes. OK: go on, with Socks5Login if *login.
// Errors: kFailedPrecondition with what to do about it.
absl::Status Socks5Choice(std::string_view answer, const Socks5& proxy, bool* login);

// RFC 1929. Errors: kFailedPrecondition, user or password has no or more than 255 bytes.
absl::Status Socks5Login(const Socks5& proxy, std::string* message);
absl::Status Socks5LoginAnswer(std::string_view answer);

std::string Socks5Request(Socks5Command command, const asio::ip::address& address, uint16_t port);

// How many bytes of the answer follow its head (at most 257), or -1: not SOCKS5.
int Socks5AnswerRest(std::string_view head);

// Errors: kFailedPrecondition: the proxy's own trouble, or ours with it; with what to do. kUnavailable: the proxy works
// and could not reach the host.
absl::Status Socks5Answer(Socks5Command command, std::string_view head);

}  // namespace wavepost
