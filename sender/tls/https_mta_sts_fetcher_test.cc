#include "sender/tls/https_mta_sts_fetcher.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/dns/zone_resolver.h"
#include "sender/tls/mta_sts.h"
#include "sender/tls/testing/test_certificate.h"

namespace wavepost {
namespace {

using Code = absl::StatusCode;
using Text = absl::StatusOr<std::string>;

constexpr char kPolicy[] = "version: STSv1\nmode: enforce\nmx: mx.example.test\nmax_age: 86400\n";

Awaitable<void> FetchInto(MtaStsFetcher* fetcher, std::string domain, Deadline deadline, std::optional<Text>* out) {
  *out = co_await fetcher->Fetch(domain, deadline);
}

Awaitable<void> StopInto(MtaStsFetcher* fetcher, bool* done) {
  co_await fetcher->Stop();
  *done = true;
}

// A policy host on 127.0.0.1.
class PolicyHost {
 public:
  using Handler = std::function<void(const httplib::Request&, httplib::Response&)>;

  PolicyHost(const TestCertificate& certificate, Handler handler)
      : server_(certificate.certificate.get(), certificate.key.get()) {
    server_.Get(".*", std::move(handler));
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~PolicyHost() {
    server_.stop();
    thread_.join();
  }
  int port() const { return port_; }

 private:
  httplib::SSLServer server_;
  int port_ = 0;
  std::thread thread_;
};

class HttpsMtaStsFetcherTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { good_ = new TestCertificate(MakeTestCertificate("mta-sts.example.test", "policy")); }
  static void TearDownTestSuite() { delete good_; }

  void SetUp() override {
    resolver_ = ZoneResolver::Parse("mta-sts.example.test A 127.0.0.1\nexample.test MX 1 mx.test\n").value();
  }

  void TearDown() override {
    if (fetcher_) Stop();
    fetcher_.reset();
  }

  std::string CaFile(const TestCertificate& certificate) {
    const std::string path = absl::StrCat(testing::TempDir(), "/ca-", ++files_, ".pem");
    std::ofstream(path) << certificate.pem;
    return path;
  }

  void Start(HttpsMtaStsFetcher::Options options) {
    auto fetcher = HttpsMtaStsFetcher::Create(io_, *resolver_, std::move(options));
    ASSERT_TRUE(fetcher.ok()) << fetcher.status();
    fetcher_ = *std::move(fetcher);
  }

  template <class Condition>
  void RunUntil(Condition condition) {
    io_.restart();
    while (!condition()) ASSERT_NE(io_.run_one(), 0u) << "nothing left to run";
  }

  void Stop() {
    bool stopped = false;
    asio::co_spawn(io_, StopInto(fetcher_.get(), &stopped), asio::detached);
    RunUntil([&] { return stopped; });
  }

  Text Fetch(const std::string& domain = "example.test", absl::Duration limit = absl::Seconds(20)) {
    std::optional<Text> result;
    asio::co_spawn(io_, FetchInto(fetcher_.get(), domain, DeadlineAfter(limit), &result), asio::detached);
    RunUntil([&] { return result.has_value(); });
    return result.value_or(absl::InternalError("no result"));
  }

  // One fetch from a host of its own.
  Text FetchFrom(const TestCertificate& certificate, const TestCertificate& root, PolicyHost::Handler handler) {
    const PolicyHost host(certificate, std::move(handler));
    Start({.ca_file = CaFile(root), .port = host.port(), .allow_private = true});
    Text text = Fetch();
    Stop();
    fetcher_.reset();
    return text;
  }
  Text FetchFrom(PolicyHost::Handler handler) { return FetchFrom(*good_, *good_, std::move(handler)); }

  static void Good(const httplib::Request&, httplib::Response& response) {
    response.set_content(kPolicy, "text/plain");
  }

  static TestCertificate* good_;
  asio::io_context io_;
  std::unique_ptr<ZoneResolver> resolver_;
  std::unique_ptr<HttpsMtaStsFetcher> fetcher_;
  int files_ = 0;
};
TestCertificate* HttpsMtaStsFetcherTest::good_ = nullptr;

TEST_F(HttpsMtaStsFetcherTest, FetchesThePolicy) {
  std::string path, host, agent_accepts;
  const Text text = FetchFrom([&](const httplib::Request& request, httplib::Response& response) {
    path = request.path;
    host = request.get_header_value("Host");
    response.set_content(kPolicy, "Text/Plain; charset=utf-8");
  });
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, kPolicy);
  EXPECT_EQ(path, "/.well-known/mta-sts.txt");
  EXPECT_TRUE(host.starts_with("mta-sts.example.test")) << host;
}

TEST_F(HttpsMtaStsFetcherTest, BadAnswers) {
  const struct {
    const char* name;
    PolicyHost::Handler handler;
    const char* message;
  } rows[] = {
      {"NotFound", [](const auto&, auto& response) { response.status = 404; }, "HTTP status 404"},
      {"ServerError",
       [](const auto&, auto& response) {
         response.set_content(kPolicy, "text/plain");
         response.status = 500;
       },
       "HTTP status 500"},
      {"Redirect", [](const auto&, auto& response) { response.set_redirect("/elsewhere"); }, "HTTP status 302"},
      {"PartialContent",
       [](const auto&, auto& response) {
         response.set_content(kPolicy, "text/plain");
         response.status = 203;
       },
       "HTTP status 203"},
      {"Html", [](const auto&, auto& response) { response.set_content(kPolicy, "text/html"); }, "text/html"},
      {"NoType", [](const auto&, auto& response) { response.set_content(kPolicy, ""); }, "content type"},
      {"LongerType", [](const auto&, auto& response) { response.set_content(kPolicy, "text/plainer"); }, "plainer"},
      {"TooLarge",
       [](const auto&, auto& response) {
         response.set_content(std::string(kMtaStsPolicyBytesMax + 1, 'x'), "text/plain");
       },
       "too long"},
      {"Endless",
       [](const auto&, auto& response) {
         response.set_chunked_content_provider("text/plain", [](size_t, httplib::DataSink& sink) {
           const std::string piece(1000, 'x');
           return sink.write(piece.data(), piece.size());
         });
       },
       "too long"},
      {"HugeHeader",
       [](const auto&, auto& response) {
         response.set_header("X-Huge", std::string(8 << 20, 'x'));
         response.set_content(kPolicy, "text/plain");
       },
       "sends too much"},
      {"ManyHeaders",
       [](const auto&, auto& response) {
         for (int i = 0; i < 2000; ++i) response.set_header(absl::StrCat("X-", i), std::string(1000, 'x'));
         response.set_content(kPolicy, "text/plain");
       },
       "sends too much"},
  };
  for (const auto& row : rows) {
    const Text text = FetchFrom(row.handler);
    EXPECT_EQ(text.status().code(), Code::kFailedPrecondition) << row.name << ": " << text.status();
    EXPECT_NE(text.status().message().find(row.message), absl::string_view::npos) << row.name << ": " << text.status();
  }
}

TEST_F(HttpsMtaStsFetcherTest, TheLargestFileIsTaken) {
  const Text text = FetchFrom(
      [](const auto&, auto& response) { response.set_content(std::string(kMtaStsPolicyBytesMax, 'x'), "text/plain"); });
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->size(), kMtaStsPolicyBytesMax);
}

TEST_F(HttpsMtaStsFetcherTest, BadCertificates) {
  const struct {
    const char* name;
    TestCertificate certificate;
    bool trusted;
    const char* message;
  } rows[] = {
      {"WrongName", MakeTestCertificate("mta-sts.other.test", "x"), true, "ostname mismatch"},
      {"TheDomainItself", MakeTestCertificate("example.test", "x"), true, "ostname mismatch"},
      {"OnlyCommonName", MakeTestCertificate("", "mta-sts.example.test"), true, "ostname mismatch"},
      {"PartialWildcard", MakeTestCertificate("mta-*.example.test", "x"), true, "ostname mismatch"},
      {"WildcardTooHigh", MakeTestCertificate("*.test", "x"), true, "ostname mismatch"},
      {"Expired", MakeTestCertificate("mta-sts.example.test", "x", -7200, -3600), true, "expired"},
      {"NotYet", MakeTestCertificate("mta-sts.example.test", "x", 3600, 7200), true, "not yet valid"},
      {"Untrusted", MakeTestCertificate("mta-sts.example.test", "x"), false, "self"},
  };
  for (const auto& row : rows) {
    const Text text = FetchFrom(row.certificate, row.trusted ? row.certificate : *good_, Good);
    EXPECT_EQ(text.status().code(), Code::kUnauthenticated) << row.name << ": " << text.status();
    EXPECT_NE(text.status().message().find(row.message), absl::string_view::npos) << row.name << ": " << text.status();
  }
  const TestCertificate wild = MakeTestCertificate("*.example.test", "x");
  EXPECT_TRUE(FetchFrom(wild, wild, Good).ok());
}

TEST_F(HttpsMtaStsFetcherTest, SlowAnswerEndsAtTheDeadline) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  const PolicyHost host(*good_, [released](const auto&, auto& response) {
    released.wait();
    response.set_content(kPolicy, "text/plain");
  });
  Start({.ca_file = CaFile(*good_), .port = host.port(), .allow_private = true});
  EXPECT_EQ(Fetch("example.test", absl::Milliseconds(500)).status().code(), Code::kDeadlineExceeded);
  Stop();
  fetcher_.reset();
  Start({.timeout = absl::Milliseconds(500), .ca_file = CaFile(*good_), .port = host.port(), .allow_private = true});
  EXPECT_EQ(Fetch().status().code(), Code::kDeadlineExceeded) << "its own limit";
  release.set_value();
}

// The listener's backlog accepts; nobody ever says a word.
TEST_F(HttpsMtaStsFetcherTest, SilentHandshakeEndsAtTheDeadlineAndOnStop) {
  asio::ip::tcp::acceptor listener(io_, asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  Start({.threads = 1, .fetches_max = 2, .port = listener.local_endpoint().port(), .allow_private = true});
  EXPECT_EQ(Fetch("example.test", absl::Milliseconds(50)).status().code(), Code::kDeadlineExceeded);

  std::optional<Text> first, second;
  for (std::optional<Text>* out : {&first, &second}) {
    asio::co_spawn(io_, FetchInto(fetcher_.get(), "example.test", DeadlineAfter(absl::Seconds(30)), out),
                   asio::detached);
  }
  io_.restart();
  io_.poll();
  EXPECT_EQ(Fetch().status().code(), Code::kResourceExhausted) << "one runs, one waits for a thread";
  Stop();
  ASSERT_TRUE(first && second) << "Stop awaits them";
  EXPECT_EQ(first->status().code(), Code::kCancelled);
  EXPECT_EQ(second->status().code(), Code::kCancelled);
  EXPECT_EQ(Fetch().status().code(), Code::kCancelled);
}

TEST_F(HttpsMtaStsFetcherTest, NobodyThere) {
  int port = 0;
  {
    asio::ip::tcp::acceptor listener(io_, asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    port = listener.local_endpoint().port();
  }
  Start({.port = port, .allow_private = true});
  EXPECT_EQ(Fetch().status().code(), Code::kUnavailable);
  EXPECT_EQ(Fetch("nowhere.test").status().code(), Code::kUnavailable);
  EXPECT_EQ(Fetch("bad name").status().code(), Code::kUnavailable);
}

TEST_F(HttpsMtaStsFetcherTest, TriesTheNextAddress) {
  const PolicyHost host(*good_, Good);
  ASSERT_TRUE(resolver_->Add("mta-sts.two.test A 127.0.0.77\nmta-sts.two.test A 127.0.0.1\n").ok());
  const TestCertificate certificate = MakeTestCertificate("mta-sts.two.test", "x");
  const PolicyHost two(certificate, Good);
  Start({.ca_file = CaFile(certificate), .port = two.port(), .allow_private = true});
  EXPECT_TRUE(Fetch("two.test").ok()) << "nobody listens on the first";
}

TEST_F(HttpsMtaStsFetcherTest, PrivateAddressesAreRefused) {
  const PolicyHost host(*good_, Good);
  const auto is_forbidden = [](const asio::ip::address& address) { return address.is_loopback(); };
  Start({.ca_file = CaFile(*good_), .port = host.port(), .is_forbidden = is_forbidden});
  EXPECT_EQ(Fetch().status().code(), Code::kPermissionDenied);
}

TEST_F(HttpsMtaStsFetcherTest, RefusesBadOptions) {
  const auto never = [](const asio::ip::address&) { return false; };
  EXPECT_EQ(HttpsMtaStsFetcher::Create(io_, *resolver_, {}).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(HttpsMtaStsFetcher::Create(io_, *resolver_, {.is_forbidden = never}).ok());
  EXPECT_FALSE(HttpsMtaStsFetcher::Create(io_, *resolver_, {.threads = 0, .is_forbidden = never}).ok());
  EXPECT_FALSE(HttpsMtaStsFetcher::Create(io_, *resolver_, {.port = 0, .is_forbidden = never}).ok());
}

}  // namespace
}  // namespace wavepost
