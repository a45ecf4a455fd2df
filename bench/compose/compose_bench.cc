// How fast messages are made: rendering and MIME alone, and with each kind of signature, on one core.
//
// Marks: 50,000 a second without a signature; with RSA-2048 within 5 % of the time that RSA itself takes; 10,000 a
// second with Ed25519. The invitation is ten kilobytes of German and English with two links, and each recipient has
// values of their own. Usage: bench-compose [--benchmark_filter=NAME] (./dev bench compose)
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "common/base/check.h"
#include "common/base/strings.h"
#include "common/mail/dkim.h"
#include "common/mail/message.h"
#include "common/mail/openssl_ptr.h"
#include "common/mail/outgoing.h"
#include "common/mail/verp.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {
namespace {

constexpr uint32_t kRecipients = 1000;

std::string FileText(const std::string& name) {
  std::ifstream file(absl::StrCat(WAVEPOST_SOURCE_DIR, "/bench/compose/", name), std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  WP_CHECK(file && !text.str().empty());
  return text.str();
}

cluster::v1::Content Invitation() {
  cluster::v1::Content out;
  v1::Content* const content = out.mutable_content();
  content->set_subject("Umfrage bei {{company}}: Ihre Meinung zählt");
  content->set_from_name("Befragungsteam Müller & Söhne");
  content->set_from_address("umfrage@news.example");
  content->set_reply_to("Befragungsteam <antwort@news.example>");
  content->set_html(FileText("invitation.html"));
  content->set_text(FileText("invitation.txt"));
  v1::Header* const header = content->add_headers();
  header->set_name("X-MS-Exchange-Organization-SkipSafeLinksProcessing");
  header->set_value("1");
  for (const char* column : {"email", "first_name", "last_name", "company", "language", "survey_url"}) {
    out.add_columns(column);
  }
  out.set_message_id_domain("news.example");
  out.set_unsubscribe_url("https://u.wavepost.example/u/");
  out.set_unsubscribe_domain("bounce.wavepost.example");
  out.set_feedback_id("c42:news:wavepost");
  return out;
}

struct Recipients {
  std::vector<std::string> addresses;
  std::vector<std::string> return_paths;
  std::vector<std::vector<std::string>> values;
};

const Recipients& Everybody() {
  static const Recipients* const kAll = [] {
    const char* const first[] = {"Jürgen", "Anna", "Zoë", "Peter", "Søren"};
    const char* const last[] = {"Müller", "Schmidt", "O'Brien", "Großkopf", "Lindqvist"};
    auto* out = new Recipients;
    for (uint32_t i = 0; i < kRecipients; ++i) {
      out->addresses.push_back(absl::StrCat("person.", i, "@example-company.test"));
      out->return_paths.push_back(ReturnPath(MakeToken(TokenKeys::ForTest(), {7, i}, 1), "bounce.wavepost.example"));
      out->values.push_back({out->addresses.back(), first[i % 5], last[i / 5 % 5], "Müller & Söhne GmbH", "de",
                             absl::StrCat("https://survey.example/s/", i * 7919, "?t=k3J9sLq2&l=de")});
    }
    return out;
  }();
  return *kAll;
}

// A new private key of that kind: "RSA" (2048 bits) or "ED25519".
OpensslPtr<EVP_PKEY> NewKey(const std::string& kind) {
  OpensslPtr<EVP_PKEY> key(kind == "RSA" ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(nullptr, nullptr, kind.c_str()));
  WP_CHECK(key != nullptr);
  return key;
}

void AddKey(const OpensslPtr<EVP_PKEY>& key, const std::string& selector, cluster::v1::KeySet* out) {
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  WP_CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* data = nullptr;
  const auto size = static_cast<size_t>(BIO_get_mem_data(bio.get(), &data));
  cluster::v1::SigningKey* const added = out->add_keys();
  added->set_domain("news.example");
  added->set_selector(selector);
  added->set_private_key_pem(data, size);
}

std::shared_ptr<const OutgoingContent> CompileWith(const std::vector<std::string>& kinds) {
  cluster::v1::KeySet keys;
  for (const std::string& kind : kinds) AddKey(NewKey(kind), absl::StrCat("s", keys.keys_size()), &keys);
  auto content = OutgoingContent::Compile(Invitation(), keys);
  if (!content.ok()) std::fprintf(stderr, "%s\n", std::string(Sv(content.status().message())).c_str());
  WP_CHECK(content.ok());
  return *content;
}

OutgoingMessage MakeNth(const OutgoingContent& content, uint32_t number) {
  const Recipients& all = Everybody();
  const uint32_t i = number % kRecipients;
  auto message = content.Make(
      {all.addresses[i], &all.values[i], all.return_paths[i], absl::FromUnixSeconds(1'750'000'000 + number / 1000)});
  WP_CHECK(message.ok());
  return *std::move(message);
}

void MakeAll(benchmark::State& state, const std::vector<std::string>& kinds) {
  const std::shared_ptr<const OutgoingContent> content = CompileWith(kinds);
  uint32_t number = 0;
  size_t bytes = 0;
  for (auto _ : state) {
    const OutgoingMessage message = MakeNth(*content, number++);
    bytes += message.canonical.size();
    benchmark::DoNotOptimize(message.canonical.data());
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(state.iterations());
}

void BM_RenderAndMime(benchmark::State& state) {
  MakeAll(state, {});
}
BENCHMARK(BM_RenderAndMime);

void BM_SignedEd25519(benchmark::State& state) {
  MakeAll(state, {"ED25519"});
}
BENCHMARK(BM_SignedEd25519);

void BM_SignedRsa2048(benchmark::State& state) {
  MakeAll(state, {"RSA"});
}
BENCHMARK(BM_SignedRsa2048);

void BM_SignedRsa2048AndEd25519(benchmark::State& state) {
  MakeAll(state, {"RSA", "ED25519"});
}
BENCHMARK(BM_SignedRsa2048AndEd25519);

void BM_BodyHash(benchmark::State& state) {
  const OutgoingMessage message = MakeNth(*CompileWith({}), 1);
  const std::string_view body = std::string_view(message.canonical).substr(message.canonical.find("\r\n\r\n") + 4);
  for (auto _ : state) benchmark::DoNotOptimize(DkimBodyHash(body));
}
BENCHMARK(BM_BodyHash);

// RSA's own operation on a hash: what the whole path is measured against.
class BareRsa {
 public:
  BareRsa() : key_(NewKey("RSA")), context_(EVP_PKEY_CTX_new(key_.get(), nullptr)) {
    WP_CHECK(EVP_PKEY_sign_init(context_) == 1 && EVP_PKEY_CTX_set_rsa_padding(context_, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(context_, EVP_sha256()) == 1);
  }
  ~BareRsa() { EVP_PKEY_CTX_free(context_); }
  BareRsa(const BareRsa&) = delete;
  BareRsa& operator=(const BareRsa&) = delete;

  void Sign() {
    size_t size = sizeof(signature_);
    ++digest_[0];
    WP_CHECK(EVP_PKEY_sign(context_, signature_, &size, digest_, sizeof(digest_)) == 1);
    benchmark::DoNotOptimize(signature_);
  }

 private:
  OpensslPtr<EVP_PKEY> key_;
  EVP_PKEY_CTX* context_;
  unsigned char digest_[32] = {};
  unsigned char signature_[256];
};

// Microseconds of work by this thread: others on the machine do not count.
double CpuTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double Median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

// The two by turns, so that a slow moment of the machine hits both; medians, so that it hits neither much. `ratio` is
// the mark: at most 1.05.
void BM_SignedRsa2048OverBareRsa(benchmark::State& state) {
  const std::shared_ptr<const OutgoingContent> content = CompileWith({"RSA"});
  BareRsa bare;
  std::vector<double> bare_times;
  std::vector<double> path_times;
  uint32_t number = 0;
  for (auto _ : state) {
    const double start = CpuTime();
    bare.Sign();
    const double between = CpuTime();
    benchmark::DoNotOptimize(MakeNth(*content, number++).canonical.data());
    path_times.push_back(CpuTime() - between);
    bare_times.push_back(between - start);
  }
  state.counters["bare_us"] = Median(bare_times);
  state.counters["path_us"] = Median(path_times);
  state.counters["ratio"] = Median(path_times) / Median(bare_times);
}
BENCHMARK(BM_SignedRsa2048OverBareRsa)->MinTime(2);

}  // namespace
}  // namespace wavepost

BENCHMARK_MAIN();
