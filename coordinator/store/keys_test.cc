#include "coordinator/store/keys.h"

#include <gtest/gtest.h>

#include <set>

namespace wavepost {
namespace {

TEST(KeysTest, ByteOrderIsStoreOrder) {
  EXPECT_LT(RecipientKey({1, 255}), RecipientKey({1, 256}));
  EXPECT_LT(RecipientKey({1, UINT32_MAX}), RecipientKey({2, 0}));
  EXPECT_EQ(ParseRecipientKey(RecipientKey({7, 9})), (RecipientId{7, 9}));
  EXPECT_LT(BatchKey("sender-0", 255), BatchKey("sender-0", 256));
  EXPECT_EQ(ParseSequenceKey(SequenceKey(1234567890123)), 1234567890123);
}

TEST(KeysTest, AWaveAndANodeAreRangesOfTheirOwn) {
  EXPECT_LT(RecipientKey({1, UINT32_MAX}), PrefixEnd(WaveKey(1)));
  EXPECT_LE(PrefixEnd(WaveKey(1)), RecipientKey({2, 0}));
  EXPECT_LT(BatchKey("sender-1", INT64_MAX), PrefixEnd(BatchPrefix("sender-1")));
  EXPECT_LT(PrefixEnd(BatchPrefix("sender-1")), BatchKey("sender-10", 0));
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(PrefixEnd(std::string("a\xff")), "b");
}

TEST(KeysTest, AddressesDifferByWaveAndLocalPartCase) {
  const std::set<std::string> keys = {AddressKey(1, "jane@example.com"), AddressKey(2, "jane@example.com"),
                                      AddressKey(1, "Jane@example.com"), AddressKey(1, "joe@example.com")};
  EXPECT_EQ(keys.size(), 4u);
  EXPECT_EQ(AddressKey(1, "jane@example.com").size(), 20u);
  // On disk: must not change.
  EXPECT_EQ(AddressKey(1, "jane@example.com").substr(0, 6), std::string("\0\0\0\1\x8c\x87", 6));
}

TEST(KeysTest, SuppressionsAreFoundInAnyLetterCase) {
  EXPECT_EQ(SuppressionRowKey("tenants/a", "Jane@Example.com"), SuppressionRowKey("tenants/a", "jane@example.com"));
}

TEST(KeysTest, NamesTheTenant) {
  EXPECT_EQ(TenantOf("tenants/a/campaigns/b/waves/c"), "tenants/a");
  EXPECT_EQ(TenantOf("tenants/a"), "tenants/a");
  EXPECT_EQ(TenantOf(""), "");
}

}  // namespace
}  // namespace wavepost
