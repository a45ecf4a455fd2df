#include "coordinator/api/request.h"

#include <gtest/gtest.h>

#include <string>

#include "wavepost/v1/tenants_service.pb.h"

namespace wavepost {
namespace {

TEST(RequestTest, HashLeavesOutTheIdAndScopesIt) {
  v1::CreateTenantRequest request;
  request.set_tenant_id("a");
  EXPECT_EQ(RequestKeyOf("CreateTenant", "", request)->id, "");
  request.set_request_id("1");
  const auto first = RequestKeyOf("CreateTenant", "", request);
  request.set_request_id("2");
  const auto second = RequestKeyOf("CreateTenant", "", request);
  EXPECT_NE(first->id, second->id);
  EXPECT_EQ(first->request_sha256, second->request_sha256);
  request.set_tenant_id("b");
  EXPECT_NE(RequestKeyOf("CreateTenant", "", request)->request_sha256, second->request_sha256);
  EXPECT_NE(RequestKeyOf("Other", "", request)->id, second->id);
  request.set_request_id(std::string(65, 'x'));
  EXPECT_EQ(RequestKeyOf("CreateTenant", "", request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RequestTest, PageTokensAreForTheirListingOnly) {
  const std::string cursor("a\0\xff", 3);
  const std::string token = PageToken("waves of x", cursor);
  EXPECT_EQ(*PageCursor("waves of x", token), cursor);
  EXPECT_EQ(*PageCursor("waves of x", ""), "");
  EXPECT_EQ(PageToken("waves of x", ""), "");
  EXPECT_FALSE(PageCursor("waves of y", token).ok());
  EXPECT_FALSE(PageCursor("waves of x", "nonsense").ok());
  EXPECT_FALSE(PageCursor("waves of x", std::string(100'000, 'A')).ok());
}

TEST(RequestTest, PageSizes) {
  EXPECT_EQ(*CheckedPageSize(0), 100);
  EXPECT_EQ(*CheckedPageSize(7), 7);
  EXPECT_EQ(*CheckedPageSize(1'000'000), 1000);
  EXPECT_FALSE(CheckedPageSize(-1).ok());
}

}  // namespace
}  // namespace wavepost
