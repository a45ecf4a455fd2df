#include "cli/cli.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"

namespace wavepost::cli {

constexpr int kMessageBytesMax = 64 << 20;  // replies come from our own server
constexpr size_t kApiKeyBytesMax = 4096;

void Cli::Sleep(absl::Duration d) const {
  if (env.sleep) {
    env.sleep(d);
  } else {
    absl::SleepFor(d);
  }
}

bool Cli::Confirmed(std::string_view question) const {
  if (env.in == nullptr || !env.in_is_terminal || !env.err_is_terminal) return true;
  err() << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(*env.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

absl::Status Cli::Connect() {
  std::string key = options.api_key;
  if (!options.api_key_file.empty()) {
    std::ifstream in(options.api_key_file);
    if (!std::getline(in, key)) {
      return FileError(
          absl::NotFoundError(absl::StrCat(options.api_key_file, ": cannot read the API key (--api-key-file)")));
    }
  }
  absl::StripAsciiWhitespace(&key);
  if (key.size() > kApiKeyBytesMax || key.find_first_of(" \t\r\n") != std::string::npos) {
    return UsageError("the API key has spaces or is too long; it is one word, as 'wavepost keys create' printed it");
  }
  if (!key.empty()) authorization_ = "Bearer " + key;

  ASSIGN_OR_RETURN(auto credentials, ChannelCredentialsFor(options.tls, options.server));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  channel_ = grpc::CreateCustomChannel(options.server, credentials, arguments);
  return absl::OkStatus();
}

}  // namespace wavepost::cli
