// Which addresses no MX of a stranger may lead us to: loopback, private and otherwise special ones (RFC 6890), and our
// own.
#pragma once

#include <asio/ip/address.hpp>

namespace wavepost {

// True for addresses that cannot be a public mail host. A domain's owner who publishes one wants our mail to go round
// in circles, or to reach into our network.
bool IsForbiddenMx(const asio::ip::address& address);

}  // namespace wavepost
