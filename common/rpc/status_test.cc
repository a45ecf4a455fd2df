#include "common/rpc/status.h"

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "google/rpc/status.pb.h"

namespace wavepost {
namespace {

TEST(RpcStatusTest, FieldsSurviveTheWire) {
  const absl::Status status = BadFields(
      "UNKNOWN_VARIABLE", {{"campaign.content.html", "line 3: no column 'x'"}, {"campaign.columns", "empty"}});
  const absl::Status back = FromGrpc(ToGrpc(status));
  EXPECT_EQ(back.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(back), "UNKNOWN_VARIABLE");
  ASSERT_EQ(ViolationsOf(back).size(), 2u);
  EXPECT_EQ(ViolationsOf(back)[0].field, "campaign.content.html");
  EXPECT_THAT(std::string(back.message()), testing::HasSubstr("line 3: no column 'x' (and 1 more)"));
}

TEST(RpcStatusTest, EveryErrorHasErrorInfo) {
  const grpc::Status wire = ToGrpc(absl::NotFoundError("no such wave"));
  EXPECT_EQ(ReasonOf(FromGrpc(wire)), "NOT_FOUND");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(wire.error_details()));
  EXPECT_EQ(details.code(), 5);
}

TEST(RpcStatusTest, DetailsStayBelowTheMetadataLimit) {
  std::vector<FieldViolation> many(5000, {"recipients", std::string(200, 'x')});
  EXPECT_LT(ToGrpc(BadFields("X", many)).error_details().size(), 7000u);
}

TEST(RpcStatusTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

}  // namespace
}  // namespace wavepost
