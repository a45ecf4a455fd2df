#include "sender/sites/site_name.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace wavepost {
namespace {

std::vector<std::string> Many(size_t count) {
  std::vector<std::string> hosts;
  for (size_t i = 0; i < count; ++i) hosts.push_back("mx" + std::to_string(1000 + i) + ".example.net");
  return hosts;
}

TEST(SiteName, LongSetsAreBoundedAndDiffer) {
  std::set<std::string> names;
  for (size_t count = 1; count <= 60; ++count) {
    const std::string name = JoinedMxNames(Many(count));
    EXPECT_LE(name.size(), kSiteNameBytesMax);
    EXPECT_TRUE(names.insert(name).second) << count;
  }
  std::vector<std::string> hosts = Many(60);
  const std::string name = JoinedMxNames(hosts);
  std::swap(hosts.front(), hosts.back());
  EXPECT_EQ(JoinedMxNames(hosts), name) << "order does not matter";
  EXPECT_EQ(name.size(), kSiteNameBytesMax);
  EXPECT_NE(MxSetName(hosts, 1), MxSetName(hosts, 2));
  EXPECT_LE(MxSetName(hosts, 30).size(), kSiteNameBytesMax);
}

// Learned state is stored by this name: it must not change between releases.
TEST(SiteName, HashIsTheSameForEver) {
  const std::string name = JoinedMxNames(Many(20));
  EXPECT_EQ(name.substr(name.find('~')), "~8da485536551d2caeabe27eb74b67ef3");
  EXPECT_EQ(name.substr(0, 42), "mx1000.example.net+mx1001.example.net+mx10");
}

TEST(SiteName, ExactlyAtTheLimit) {
  const std::string whole(253, 'a');
  EXPECT_EQ(JoinedMxNames(std::vector<std::string>{whole, "b"}), whole + "+b");
  EXPECT_NE(JoinedMxNames(std::vector<std::string>{whole, "bc"}), whole + "+bc");
}

}  // namespace
}  // namespace wavepost
