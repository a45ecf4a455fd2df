#include "sender/tls/tls_reporter.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/dns/zone_resolver.h"

namespace wavepost {
namespace {

namespace fs = std::filesystem;
using State = cluster::v1::TlsReportState;

const absl::Time kNoon = absl::FromCivil(absl::CivilSecond(2026, 3, 1, 12, 0, 0), absl::UTCTimeZone());

class MemoryStore final : public TlsReportStore {
 public:
  std::vector<State> LoadAll() override {
    std::vector<State> all;
    for (const auto& [key, state] : states) all.push_back(state);
    return all;
  }
  void Save(const State& state) override { states[{state.day(), state.domain()}] = state; }
  void Erase(int64_t day, const std::string& domain) override { states.erase({day, domain}); }
  std::map<std::pair<int64_t, std::string>, State> states;
};

std::string Read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string Gunzip(const fs::path& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string out(100'000, '\0');
  const int size = gzread(file, out.data(), static_cast<unsigned>(out.size()));
  gzclose(file);
  out.resize(static_cast<size_t>(std::max(size, 0)));
  return out;
}

class TlsReporterTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fs::path(testing::TempDir()) / ("wavepost-reports-" + name);
    fs::remove_all(folder_);
    ASSERT_TRUE(resolver_
                    ->Add("_smtp._tls.a.test TXT \"v=TLSRPTv1; rua=mailto:r@a.test,https://a.test/r\"\n"
                          "_smtp._tls.broken.test SERVFAIL\n")
                    .ok());
    Start();
  }
  void TearDown() override {
    Stop();
    fs::remove_all(folder_);
  }

  void Start(bool gzip = false, bool write_all = false) {
    if (reporter_) Stop();
    auto reporter = TlsReporter::Create(io_, clock_, *resolver_, &store_,
                                        {.folder = folder_.string(),
                                         .identity = {"Org", "tls@example.com", "example.com", "n0"},
                                         .gzip = gzip,
                                         .write_all = write_all});
    ASSERT_TRUE(reporter.ok()) << reporter.status();
    reporter_ = *std::move(reporter);
  }

  static Awaitable<void> StopInto(TlsReporter* reporter, bool* done) {
    co_await reporter->Stop();
    *done = true;
  }
  void Stop() {
    bool done = false;
    asio::co_spawn(io_, StopInto(reporter_.get(), &done), asio::detached);
    io_.restart();
    while (!done && io_.run_one() != 0) {
    }
    ASSERT_TRUE(done);
    reporter_.reset();
  }

  static Awaitable<void> WriteInto(TlsReporter* reporter, bool today, std::optional<absl::StatusOr<int>>* out) {
    *out = co_await reporter->WriteReports(today);
  }
  absl::StatusOr<int> Write(bool today = false) {
    std::optional<absl::StatusOr<int>> result;
    asio::co_spawn(io_, WriteInto(reporter_.get(), today, &result), asio::detached);
    io_.restart();
    io_.poll();
    return result.value_or(absl::InternalError("no result"));
  }

  void Count(const std::string& domain, std::string failure = "") {
    reporter_->Count({.domain = domain,
                      .policy = std::make_shared<ReportedPolicy>(ReportedPolicy{.domain = domain}),
                      .failure_type = std::move(failure)});
  }

  std::vector<std::string> Files() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path folder_;
  asio::io_context io_;
  ManualClock clock_{kNoon};
  std::unique_ptr<ZoneResolver> resolver_ = ZoneResolver::Parse("").value();
  MemoryStore store_;
  std::unique_ptr<TlsReporter> reporter_;
};

constexpr char kBase[] = "example.com!a.test!1772323200!1772409599!n0";

TEST_F(TlsReporterTest, WritesADayThatIsOver) {
  Count("a.test");
  Count("a.test", "certificate-expired");
  Count("silent.test");
  EXPECT_EQ(Write().value(), 0) << "the day is not over";
  clock_.Advance(absl::Hours(12));
  EXPECT_EQ(Write().value(), 1) << "only for the domain that wants one";
  const std::string base = kBase;
  EXPECT_EQ(Files(), (std::vector<std::string>{base + ".json", base + ".rua"}));
  EXPECT_EQ(Read(folder_ / (base + ".rua")), "mailto:r@a.test\nhttps://a.test/r\n");
  const auto json = nlohmann::json::parse(Read(folder_ / (base + ".json")));
  EXPECT_EQ(json["policies"][0]["summary"]["total-successful-session-count"], 1);
  EXPECT_EQ(json["policies"][0]["summary"]["total-failure-session-count"], 1);
  EXPECT_EQ(Write().value(), 0) << "once";
}

TEST_F(TlsReporterTest, WritesForAllOnRequestAndZipped) {
  Start(/*gzip=*/true, /*write_all=*/true);
  Count("silent.test");
  clock_.Advance(absl::Hours(12));
  EXPECT_EQ(Write().value(), 1);
  const std::string base = "example.com!silent.test!1772323200!1772409599!n0";
  EXPECT_EQ(Files(), (std::vector<std::string>{base + ".json.gz", base + ".rua"}));
  EXPECT_EQ(Read(folder_ / (base + ".rua")), "");
  EXPECT_EQ(nlohmann::json::parse(Gunzip(folder_ / (base + ".json.gz")))["contact-info"], "tls@example.com");
}

TEST_F(TlsReporterTest, TodayOnDemandGoesOnCounting) {
  Count("a.test");
  EXPECT_EQ(Write(/*today=*/true).value(), 1);
  EXPECT_EQ(Files().size(), 2u);
  Count("a.test");
  clock_.Advance(absl::Hours(12));
  EXPECT_EQ(Write().value(), 1);
  EXPECT_EQ(Files().size(), 4u);
  const auto json = nlohmann::json::parse(Read(folder_ / (std::string(kBase) + ".json")));
  EXPECT_EQ(json["policies"][0]["summary"]["total-successful-session-count"], 2);
}

TEST_F(TlsReporterTest, CountersSurviveARestart) {
  Count("a.test");
  reporter_->SaveNow();
  EXPECT_EQ(store_.states.size(), 1u);
  Count("a.test");
  Start();  // Stop saves
  Count("a.test");
  clock_.Advance(absl::Hours(12));
  EXPECT_EQ(Write().value(), 1);
  const auto json = nlohmann::json::parse(Read(folder_ / (std::string(kBase) + ".json")));
  EXPECT_EQ(json["policies"][0]["summary"]["total-successful-session-count"], 3);
  EXPECT_TRUE(store_.states.empty()) << "written and forgotten";
}

TEST_F(TlsReporterTest, KeepsWhatItCannotWriteForSomeDays) {
  Count("broken.test");
  Count("a.test");
  clock_.Advance(absl::Hours(12));
  EXPECT_EQ(Write().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Files().size(), 2u) << "the others are written";
  reporter_->SaveNow();
  EXPECT_EQ(store_.states.size(), 1u);
  clock_.Advance(absl::Hours(24 * 3));
  EXPECT_FALSE(Write().ok());
  EXPECT_TRUE(Write().ok()) << "given up";
  EXPECT_TRUE(store_.states.empty());
}

TEST_F(TlsReporterTest, AFolderThatIsGoneLosesNothing) {
  Count("a.test");
  clock_.Advance(absl::Hours(12));
  fs::remove_all(folder_);
  EXPECT_FALSE(Write().ok());
  fs::create_directories(folder_);
  EXPECT_EQ(Write().value(), 1);
}

TEST_F(TlsReporterTest, RunWritesTheLeftoversAtOnce) {
  Count("a.test");
  Stop();
  clock_.Advance(absl::Hours(12));
  Start();
  asio::co_spawn(io_, reporter_->Run(), asio::detached);
  io_.restart();
  io_.poll();
  EXPECT_EQ(Files().size(), 2u);
}

TEST_F(TlsReporterTest, RefusesBadOptions) {
  const auto create = [&](TlsReporter::Options options) {
    return TlsReporter::Create(io_, clock_, *resolver_, nullptr, std::move(options)).status();
  };
  EXPECT_TRUE(create({}).ok()) << "nothing is written without a folder";
  EXPECT_FALSE(create({.folder = folder_.string()}).ok()) << "who reports?";
  EXPECT_FALSE(create({.save_interval = absl::ZeroDuration()}).ok());
  EXPECT_FALSE(create({.folder = "/proc/nowhere/x", .identity = {"a", "b", "c", "d"}}).ok());
}

}  // namespace
}  // namespace wavepost
