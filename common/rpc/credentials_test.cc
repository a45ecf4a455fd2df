#include "common/rpc/credentials.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <gtest/gtest.h>

namespace wavepost {
namespace {

TEST(CredentialsTest, ClearTextStaysOnTheHost) {
  EXPECT_TRUE(ServerCredentialsFor({}, "127.0.0.1:0").ok());
  EXPECT_TRUE(ChannelCredentialsFor({}, "localhost:7000").ok());
  EXPECT_EQ(ServerCredentialsFor({}, "0.0.0.0:7000").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ChannelCredentialsFor({}, "coordinator:7000").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(CredentialsTest, MissingFileIsNamed) {
  const TlsFiles files{.certificate = "/nonexistent.pem", .key = "/nonexistent.key", .enabled = true};
  const auto status = ServerCredentialsFor(files, "0.0.0.0:1").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(std::string(status.message()).find("/nonexistent.pem"), std::string::npos);
}

}  // namespace
}  // namespace wavepost
