// What every command works with: the outside world, the global options, and the connection to the coordinator.
#pragma once

#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "common/rpc/credentials.h"

namespace grpc {
class Channel;
}

namespace wavepost {
class Clock;
}

namespace wavepost::cli {

// Handed in by main, so that a test can run the whole program. Pointers outlive the run.
struct Env {
  std::ostream* out = nullptr;  // results
  std::ostream* err = nullptr;  // progress and errors
  std::istream* in = nullptr;   // answers of a person; null: nobody to ask
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  size_t columns = 80;  // width of the terminal
  const Clock* clock = nullptr;
  // Asks a person for a password, without echo; nothing: there is nobody, or the person gave up. Null: nobody to ask.
  std::function<std::optional<std::string>(std::string_view prompt)> ask_secret;
  // Waits. Null: really.
  std::function<void(absl::Duration)> sleep;
  std::string nonce;  // differs in each run: request ids of calls that have nothing better
};

struct GlobalOptions {
  std::string server = "127.0.0.1:7000";
  std::string api_key_file;
  std::string api_key;
  TlsFiles tls;
  std::string tenant = "default";
  bool json = false;
  bool tenant_given = false;  // by option or variable, not by default
};

class Cli {
 public:
  explicit Cli(Env env_in) : env(std::move(env_in)) {}

  const Env env;
  GlobalOptions options;
  // What the command line asks for; set while it is parsed, run afterwards.
  std::function<absl::StatusOr<ExitCode>()> action;

  std::ostream& out() const { return *env.out; }
  std::ostream& err() const { return *env.err; }

  void Sleep(absl::Duration d) const;

  // True after a question on the terminal that was answered with yes. A script, which nobody can be asked for, has said
  // it by calling us: true without a question.
  bool Confirmed(std::string_view question) const;

  // Checks credentials and API key; connects when the first call is made.
  absl::Status Connect();
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& authorization() const { return authorization_; }  // empty: no key

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::string authorization_;
};

}  // namespace wavepost::cli
