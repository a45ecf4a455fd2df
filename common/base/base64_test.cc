#include "common/base/base64.h"

#include <gtest/gtest.h>

namespace wavepost {
namespace {

// Vectors of RFC 4648 section 10.
TEST(Base32Test, Rfc4648Vectors) {
  const std::pair<const char*, const char*> kVectors[] = {{"", ""},
                                                          {"f", "my"},
                                                          {"fo", "mzxq"},
                                                          {"foo", "mzxw6"},
                                                          {"foob", "mzxw6yq"},
                                                          {"fooba", "mzxw6ytb"},
                                                          {"foobar", "mzxw6ytboi"}};
  for (const auto& [plain, encoded] : kVectors) {
    EXPECT_EQ(Base32Encode(plain), encoded);
    EXPECT_EQ(Base32Decode(encoded), plain);
  }
  EXPECT_EQ(Base32Decode("MZXW6YTBOI"), "foobar");
}

TEST(Base32Test, RefusesWhatEncodeNeverMakes) {
  for (const char* bad : {"m", "mzx", "mzxw6y", "m1", "mz", "my======"})
    EXPECT_EQ(Base32Decode(bad), std::nullopt) << bad;
}

TEST(Base64Test, RoundTripAndStrictness) {
  EXPECT_EQ(Base64Encode("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64Decode("Zm9vYg=="), "foob");
  EXPECT_EQ(Base64Decode("Zm9v Yg="), std::nullopt);
  EXPECT_EQ(Base64Decode("Zm9vYg"), std::nullopt);
}

}  // namespace
}  // namespace wavepost
