// Fills a sender's data folder with recipients, as batches of a coordinator would have. For ./dev bench restart.
//
// Usage: bench-fill-queue --data-dir DIR --recipients N [--egress IP]... [--waves W] [--tail-domains D]
//
// 40 % of the recipients are in twelve big domains, unevenly; the others in D domains of *.tail.test. Each domain's
// recipients are spread over the waves, and all leave from the one egress IP that the domain's hash gives; big domains
// use all of them. The same arguments give the same queue. The lease is set to a day from now, so that a sender
// without a coordinator delivers at once.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/recipient_id.h"
#include "common/base/strings.h"
#include "common/seal/seal_source.h"
#include "sender/queue/queue_store.h"

namespace wavepost {
namespace {

constexpr int kBatchRecipients = 500;  // as a coordinator sends them
constexpr int kBatchesUnderWay = 64;
constexpr int kContentIdBytes = 32;
constexpr uint64_t kBigPercent = 40;
// Recipients per hundred of all big ones.
constexpr int kBigShares[] = {30, 18, 12, 9, 7, 6, 5, 4, 3, 3, 2, 1};

struct Wishes {
  std::string data_dir;
  int64_t recipients = 10'000'000;
  int64_t tail_domains = 300'000;
  uint32_t waves = 3;
  std::vector<std::string> egress = {"127.0.0.1"};
};

// SplitMix64: good enough to spread, the same everywhere.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string ContentId(uint32_t wave) {
  return std::string(kContentIdBytes - 1, 'c') + static_cast<char>(wave);
}

cluster::v1::Content MakeContent(uint32_t wave) {
  cluster::v1::Content content;
  content.set_content_id(ContentId(wave));
  content.mutable_content()->set_subject("{{first_name}}, your opinion counts");
  content.mutable_content()->set_from_name("Survey");
  content.mutable_content()->set_from_address("survey@survey.test");
  content.mutable_content()->set_html("<p>Dear {{first_name}} of {{company}}: <a href=\"{{url}}\">start</a></p>\n");
  for (const char* column : {"email", "first_name", "company", "url"}) content.add_columns(column);
  content.mutable_max_age()->set_seconds(72 * 3600);
  content.set_tenant("tenants/default");
  content.set_message_id_domain("bounce.survey.test");
  return content;
}

// No keys: leaves unsigned.
cluster::v1::KeySet MakeKeys() {
  cluster::v1::KeySet keys;
  keys.set_tenant("tenants/default");
  keys.set_domain("survey.test");
  keys.set_version(std::string(kContentIdBytes, 'k'));
  return keys;
}

std::string DomainFor(uint64_t random, const Wishes& wishes, std::string* egress) {
  const size_t ips = wishes.egress.size();
  if (random % 100 < kBigPercent) {
    int share = static_cast<int>((random >> 8) % 100);
    size_t big = 0;
    while (share >= kBigShares[big]) share -= kBigShares[big++];
    *egress = wishes.egress[(random >> 40) % ips];
    return absl::StrCat("big", big, ".test");
  }
  const uint64_t domain = (random >> 8) % static_cast<uint64_t>(wishes.tail_domains);
  *egress = wishes.egress[Mix(domain) % ips];
  return absl::StrCat("d", domain, ".tail.test");
}

cluster::v1::Batch MakeBatch(int64_t first, int64_t count, const Wishes& wishes) {
  // A batch is of one wave; waves take turns.
  const auto wave = static_cast<uint32_t>(first / kBatchRecipients % wishes.waves) + 1;
  cluster::v1::Batch batch;
  batch.set_batch_id(absl::StrCat("fill", absl::Dec(first, absl::kZeroPad12)));
  batch.set_content_id(ContentId(wave));
  batch.set_campaign(absl::StrCat("tenants/default/campaigns/c", wave));
  for (int64_t i = first; i < first + count; ++i) {
    cluster::v1::BatchRecipient* recipient = batch.add_recipients();
    std::string egress;
    const std::string domain = DomainFor(Mix(static_cast<uint64_t>(i)), wishes, &egress);
    recipient->set_recipient_id(RecipientId{.wave = wave, .index = static_cast<uint32_t>(i)}.packed());
    recipient->set_address(absl::StrCat("first.last", i, "@", domain));
    recipient->add_values(recipient->address());
    recipient->add_values(absl::StrCat("First", i % 1000));
    recipient->add_values(absl::StrCat("Company ", i % 5000));
    recipient->add_values(absl::StrCat("https://survey.test/r/", absl::Hex(Mix(static_cast<uint64_t>(i)))));
    recipient->set_return_path(absl::StrCat("b+", absl::Hex(Mix(~static_cast<uint64_t>(i)), absl::kZeroPad16),
                                            absl::Hex(i, absl::kZeroPad16), "@bounce.survey.test"));
    recipient->set_egress_ip(std::move(egress));
  }
  return batch;
}

absl::Status Fill(const Wishes& wishes, const Clock& clock) {
  QueueStore::Options options;
  options.data_dir = wishes.data_dir;
  options.memory_bytes = 256 << 20;
  options.queue_max = wishes.recipients;
  std::string warning;
  const auto sealer = LoadServiceSealer("", wishes.data_dir, &warning);
  if (!sealer.ok()) return sealer.status();
  options.sealer = &*sealer;
  auto queue = QueueStore::Open(options, clock.Now(), absl::ZeroDuration());
  if (!queue.ok()) return queue.status();

  std::counting_semaphore<kBatchesUnderWay> free_places(kBatchesUnderWay);
  std::atomic<bool> failed = false;
  absl::Status first_failure;  // written by the writer's thread before `failed`
  const auto done = [&](absl::Status status) {
    if (!status.ok() && !failed) {
      first_failure = std::move(status);
      failed = true;
    }
    free_places.release();
  };
  for (uint32_t wave = 1; wave <= wishes.waves; ++wave) {
    free_places.acquire();
    (*queue)->PutContent(MakeContent(wave), done);
  }
  free_places.acquire();
  (*queue)->PutKeySet(MakeKeys(), done);
  for (int64_t first = 0; first < wishes.recipients && !failed; first += kBatchRecipients) {
    free_places.acquire();
    const int64_t count = std::min<int64_t>(kBatchRecipients, wishes.recipients - first);
    (*queue)->AddBatch(MakeBatch(first, count, wishes), clock.Now(), nullptr, done);
  }
  for (int i = 0; i < kBatchesUnderWay; ++i) free_places.acquire();
  // As after a session with a coordinator: it has the acknowledgements.
  (*queue)->ForgetBatchesExcept({});
  (*queue)->PutLeaseEnd(clock.Now() + absl::Hours(24));
  const int64_t queued = (*queue)->queued();
  (*queue)->Stop();
  if (failed) return first_failure;
  std::printf("%lld queued\n", static_cast<long long>(queued));
  return absl::OkStatus();
}

}  // namespace
}  // namespace wavepost

int main(int argc, char** argv) {
  wavepost::Wishes wishes;
  CLI::App cli("Fills a sender's data folder with recipients.");
  cli.add_option("--data-dir", wishes.data_dir)->required();
  cli.add_option("--recipients", wishes.recipients)->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}));
  cli.add_option("--egress", wishes.egress);
  cli.add_option("--waves", wishes.waves)->check(CLI::Range(1, 100));
  cli.add_option("--tail-domains", wishes.tail_domains)->check(CLI::Range(int64_t{1}, int64_t{100'000'000}));
  CLI11_PARSE(cli, argc, argv);
  const wavepost::SystemClock clock;
  const absl::Status status = wavepost::Fill(wishes, clock);
  if (!status.ok()) std::cerr << "bench-fill-queue: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
