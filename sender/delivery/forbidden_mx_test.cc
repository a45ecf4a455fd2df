#include "sender/delivery/forbidden_mx.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

TEST(ForbiddenMxTest, Table) {
  for (const char* bad : {"127.0.0.1", "127.255.255.255", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
                          "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::",
                          "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "ff02::1", "2001:db8::1"}) {
    EXPECT_TRUE(IsForbiddenMx(asio::ip::make_address(bad))) << bad;
  }
  for (const char* good : {"8.8.8.8", "172.32.0.1", "172.15.255.255", "100.128.0.1", "192.0.1.1", "2a00:1450::1",
                           "::ffff:8.8.8.8", "223.255.255.255"}) {
    EXPECT_FALSE(IsForbiddenMx(asio::ip::make_address(good))) << good;
  }
}

}  // namespace
}  // namespace wavepost
