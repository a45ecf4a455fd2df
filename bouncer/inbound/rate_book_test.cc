#include "bouncer/inbound/rate_book.h"

#include <gtest/gtest.h>

#include <chrono>

#include "bouncer/inbound/client_key.h"
#include "bouncer/inbound/hops.h"

namespace wavepost {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const RateBook::Time kStart{std::chrono::hours(1000)};

int TakeAll(RateBook* book, uint64_t key, RateBook::Time now) {
  int taken = 0;
  while (taken < 1'000'000 && book->Take(key, now)) ++taken;
  return taken;
}

TEST(RateBookTest, SoManyAtOnceThenAsTimePasses) {
  RateBook book(60, absl::Minutes(1), 64, 1);
  EXPECT_TRUE(book.Has(5, kStart));
  EXPECT_EQ(TakeAll(&book, 5, kStart), 60);
  EXPECT_FALSE(book.Has(5, kStart));
  EXPECT_FALSE(book.Take(5, kStart + milliseconds(999)));
  EXPECT_EQ(TakeAll(&book, 5, kStart + seconds(10)), 10);
  EXPECT_EQ(TakeAll(&book, 5, kStart + seconds(1000)), 60);
  EXPECT_EQ(TakeAll(&book, 6, kStart), 60);  // another key
}

TEST(RateBookTest, ZeroIsNoLimit) {
  RateBook book(0, absl::Minutes(1), 64, 1);
  EXPECT_EQ(TakeAll(&book, 5, kStart), 1'000'000);
}

// Who is at the limit stays there while others, with less on them, come by in any number.
TEST(RateBookTest, AFullTableForgetsWhoHasTheLeastOnHim) {
  RateBook book(10, absl::Minutes(1), RateBook::kWays, 1);
  EXPECT_EQ(TakeAll(&book, 1, kStart), 10);
  for (uint64_t key = 100; key < 10'000; ++key) EXPECT_TRUE(book.Take(key, kStart));
  EXPECT_FALSE(book.Take(1, kStart));
}

TEST(RateBookTest, KeysOfAnyValue) {
  RateBook book(3, absl::Minutes(1), 1024, 9);
  for (const uint64_t key : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) EXPECT_EQ(TakeAll(&book, key, kStart), 3) << key;
}

struct KeyRow {
  const char* left;
  const char* right;
  bool same_client;
  bool same_network;
};

TEST(ClientKeyTest, WhoIsWho) {
  for (const KeyRow& row :
       {KeyRow{"192.0.2.1", "192.0.2.1", true, true}, KeyRow{"192.0.2.1", "192.0.2.2", false, true},
        KeyRow{"192.0.2.1", "192.0.3.1", false, false}, KeyRow{"192.0.2.1", "::ffff:192.0.2.1", true, true},
        KeyRow{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true, true},
        KeyRow{"2001:db8:1:2::1", "2001:db8:1:3::1", false, true},
        KeyRow{"2001:db8:1:2::1", "2001:db8:2:2::1", false, false}}) {
    const auto left = asio::ip::make_address(row.left);
    const auto right = asio::ip::make_address(row.right);
    EXPECT_EQ(ClientKey(left) == ClientKey(right), row.same_client) << row.left << " " << row.right;
    EXPECT_EQ(NetworkKey(left) == NetworkKey(right), row.same_network) << row.left << " " << row.right;
  }
}

struct HopsRow {
  const char* message;
  int hops;
};

TEST(HopsTest, CountsTheFieldsOfTheHeader) {
  for (const HopsRow& row :
       {HopsRow{"", 0}, HopsRow{"Received: a", 1}, HopsRow{"Received: a\r\nX: y\r\nreceived: b\r\n\tby c\r\n", 2},
        HopsRow{"Received \t: a\r\n\r\nReceived: in the body\r\n", 1}, HopsRow{"\r\nReceived: a\r\n", 0},
        HopsRow{"Received-SPF: pass\r\nX-Received: x\r\n Received: folded\r\nReceived\r\n", 0},
        HopsRow{"Received: a\nReceived: b\n\nReceived: c\n", 2}}) {
    EXPECT_EQ(CountHops(row.message), row.hops) << row.message;
  }
}

}  // namespace
}  // namespace wavepost
