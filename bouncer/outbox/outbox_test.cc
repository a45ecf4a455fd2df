#include "bouncer/outbox/outbox.h"

#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "common/storage/db.h"

namespace wavepost {
namespace {

using cluster::v1::BounceReport;

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() : path_(testing::TempDir() + "wavepost_outbox_" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
  }
  ~OutboxTest() override { std::filesystem::remove_all(path_); }

  std::unique_ptr<Outbox> Open(Outbox::Options options = {}) {
    options.path = path_;
    auto outbox = Outbox::Open(std::move(options));
    EXPECT_TRUE(outbox.ok()) << outbox.status();
    return std::move(outbox).value();
  }

  static absl::Status Append(Outbox* outbox, std::vector<uint64_t> recipients) {
    std::vector<BounceReport> reports;
    for (const uint64_t recipient : recipients) {
      reports.emplace_back().set_recipient_id(recipient);
      reports.back().set_final_recipient("someone@example.com");
    }
    std::promise<absl::Status> result;
    outbox->Append(std::move(reports), [&](absl::Status status) { result.set_value(std::move(status)); });
    return result.get_future().get();
  }

  // "sequence:recipient" of each, joined.
  static std::string ReadAll(const Outbox& outbox, int64_t after = 0, size_t records = 1000, size_t bytes = 1 << 20) {
    auto reports = outbox.Read(after, records, bytes);
    EXPECT_TRUE(reports.ok()) << reports.status();
    std::string out;
    for (const BounceReport& report : *reports) {
      out += (out.empty() ? "" : " ") + std::to_string(report.sequence()) + ":" + std::to_string(report.recipient_id());
    }
    return out;
  }

  const std::string path_;
};

TEST_F(OutboxTest, AppendsReadsForgets) {
  auto outbox = Open();
  EXPECT_EQ(ReadAll(*outbox), "");
  ASSERT_TRUE(Append(outbox.get(), {11, 12}).ok());
  ASSERT_TRUE(Append(outbox.get(), {13}).ok());
  EXPECT_EQ(outbox->durable_through(), 3);
  EXPECT_EQ(ReadAll(*outbox), "1:11 2:12 3:13");
  EXPECT_EQ(ReadAll(*outbox, 1), "2:12 3:13");
  EXPECT_EQ(ReadAll(*outbox, 0, 2), "1:11 2:12");
  EXPECT_EQ(ReadAll(*outbox, 0, 1000, 1), "1:11");  // at least one
  ASSERT_TRUE(outbox->Forget(2).ok());
  EXPECT_EQ(ReadAll(*outbox), "3:13");
  ASSERT_TRUE(outbox->Forget(1).ok());  // an old acknowledgement
  EXPECT_EQ(outbox->forgotten_through(), 2);
}

TEST_F(OutboxTest, SequenceGoesOnAcrossRestarts) {
  {
    auto outbox = Open();
    ASSERT_TRUE(Append(outbox.get(), {1, 2, 3}).ok());
    ASSERT_TRUE(outbox->Forget(1).ok());
  }
  {
    auto outbox = Open();
    EXPECT_EQ(ReadAll(*outbox), "2:2 3:3");
    EXPECT_EQ(outbox->forgotten_through(), 1);
    ASSERT_TRUE(Append(outbox.get(), {4}).ok());
    ASSERT_TRUE(outbox->Forget(4).ok());
  }
  auto outbox = Open();  // empty now
  EXPECT_EQ(ReadAll(*outbox), "");
  ASSERT_TRUE(Append(outbox.get(), {5}).ok());
  EXPECT_EQ(ReadAll(*outbox), "5:5");
}

TEST_F(OutboxTest, FirstSequenceHoldsForANewFolderOnly) {
  {
    auto outbox = Open({.first_sequence = 1000});
    EXPECT_EQ(outbox->durable_through(), 999);
  }
  auto outbox = Open({.first_sequence = 5000});
  ASSERT_TRUE(Append(outbox.get(), {1}).ok());
  EXPECT_EQ(ReadAll(*outbox), "1000:1");
}

TEST_F(OutboxTest, ForgetGoesNoFurtherThanWhatIsThere) {
  auto outbox = Open();
  ASSERT_TRUE(Append(outbox.get(), {1}).ok());
  ASSERT_TRUE(outbox->Forget(1'000'000).ok());
  EXPECT_EQ(outbox->forgotten_through(), 1);
  ASSERT_TRUE(Append(outbox.get(), {2}).ok());
  EXPECT_EQ(ReadAll(*outbox), "2:2");
}

TEST_F(OutboxTest, ForgetsManyAtOnce) {
  auto outbox = Open();
  ASSERT_TRUE(Append(outbox.get(), std::vector<uint64_t>(10'000, 7)).ok());
  ASSERT_TRUE(outbox->Forget(9'999).ok());
  EXPECT_EQ(ReadAll(*outbox), "10000:7");
}

TEST_F(OutboxTest, RefusesWhenFull) {
  auto outbox = Open({.records_max = 2});
  ASSERT_TRUE(Append(outbox.get(), {1}).ok());
  EXPECT_EQ(Append(outbox.get(), {2, 3}).code(), absl::StatusCode::kResourceExhausted);  // all or none
  ASSERT_TRUE(Append(outbox.get(), {2}).ok());
  ASSERT_TRUE(outbox->Forget(1).ok());
  ASSERT_TRUE(Append(outbox.get(), {3}).ok());
  EXPECT_EQ(ReadAll(*outbox), "2:2 3:3");
}

TEST_F(OutboxTest, ListenerHearsOfDurableReportsOnly) {
  std::atomic<int> calls{0};
  auto outbox = Open();
  outbox->OnDurable([&] { ++calls; });
  ASSERT_TRUE(Append(outbox.get(), {1}).ok());
  EXPECT_EQ(calls, 1);
}

TEST_F(OutboxTest, WhatFailedToSyncIsNeverShown) {
  bool fail = true;
  {
    auto outbox = Open({.sync = [&] { return fail ? absl::UnavailableError("no disk") : absl::OkStatus(); }});
    std::atomic<int> calls{0};
    outbox->OnDurable([&] { ++calls; });
    EXPECT_EQ(Append(outbox.get(), {1}).code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReadAll(*outbox), "");  // a number that may be given out again must not be told to anybody
    EXPECT_EQ(outbox->durable_through(), 0);
    EXPECT_EQ(calls, 0);
    fail = false;  // a log that failed once is not trusted again
    EXPECT_EQ(Append(outbox.get(), {2}).code(), absl::StatusCode::kUnavailable);
  }
  auto outbox = Open();  // after the restart it is there or not; here the disk was fine all the time
  EXPECT_EQ(ReadAll(*outbox), "1:1");
}

TEST_F(OutboxTest, KnowsWhatItHeldWhenItWasOpened) {
  {
    auto outbox = Open();
    EXPECT_EQ(outbox->recovered_through(), 0);
    ASSERT_TRUE(outbox->Greeted().ok());
    ASSERT_TRUE(Append(outbox.get(), {1, 2}).ok());
    EXPECT_EQ(outbox->recovered_through(), 0);
  }
  {
    auto outbox = Open();
    EXPECT_EQ(outbox->recovered_through(), 2);
    ASSERT_TRUE(Append(outbox.get(), {3}).ok());
  }
  auto outbox = Open();  // nobody has compared it with the coordinator's mark in between
  EXPECT_EQ(outbox->recovered_through(), 2);
  EXPECT_EQ(outbox->durable_through(), 3);
}

TEST_F(OutboxTest, ARenamedFolderKeepsItsReportsAndNumbers) {
  {
    auto outbox = Open({.new_id = "first"});
    ASSERT_TRUE(outbox->Greeted().ok());
    ASSERT_TRUE(Append(outbox.get(), {1, 2, 3}).ok());
    ASSERT_TRUE(outbox->Forget(1).ok());
    ASSERT_TRUE(outbox->Rename("second").ok());
    EXPECT_EQ(outbox->id(), "second");
    EXPECT_EQ(outbox->recovered_through(), 1);
    EXPECT_EQ(ReadAll(*outbox), "2:2 3:3");
  }
  auto outbox = Open({.new_id = "third"});
  EXPECT_EQ(outbox->id(), "second");
  EXPECT_EQ(outbox->recovered_through(), 1);
  EXPECT_EQ(ReadAll(*outbox), "2:2 3:3");
}

TEST_F(OutboxTest, AFolderKeepsTheIdThatItGotWhenNew) {
  EXPECT_EQ(Open({.new_id = "first"})->id(), "first");
  EXPECT_EQ(Open({.new_id = "second"})->id(), "first");
  std::filesystem::remove_all(path_);
  EXPECT_EQ(Open({.new_id = "third"})->id(), "third");
}

TEST_F(OutboxTest, NoRecordStopsThoseBehindIt) {
  auto outbox = Open();
  std::vector<BounceReport> reports(3);
  reports[0].set_recipient_id(1);
  reports[0].set_final_recipient("caf\xe9@example.com");  // not UTF-8
  reports[0].mutable_status()->set_text("\xff\xfe");
  reports[1].mutable_dmarc()->set_domain("bad\x80");
  for (int i = 0; i < 10'000; ++i) {
    auto* const row = reports[1].mutable_dmarc()->add_rows();
    row->set_header_from(std::string(255, 'a'));
    row->set_envelope_from(std::string(255, 'b'));
    row->set_source_ip(i == 7 ? "\xc3" : "192.0.2.1");
  }
  reports[2].set_recipient_id(3);
  std::promise<absl::Status> result;
  outbox->Append(reports, [&](absl::Status status) { result.set_value(std::move(status)); });
  ASSERT_TRUE(result.get_future().get().ok());
  const auto read = outbox->Read(0, 1000, size_t{1} << 30);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 3u);
  EXPECT_EQ((*read)[0].recipient_id(), 1u);
  EXPECT_EQ((*read)[0].sequence(), 1);
  EXPECT_LE((*read)[1].ByteSizeLong(), Outbox::kRecordBytesMax);
  EXPECT_TRUE((*read)[1].dmarc().incomplete());
  EXPECT_GT((*read)[1].dmarc().rows_size(), 1000);
  EXPECT_EQ((*read)[2].recipient_id(), 3u);
}

TEST_F(OutboxTest, ADamagedRecordKeepsItsRecipientAndItsPlace) {
  spdlog::set_level(spdlog::level::off);
  { ASSERT_TRUE(Append(Open().get(), {1, 2, 3}).ok()); }
  {
    auto db = Db::Open({.path = path_, .kind = "bouncer", .column_families = {"reports", "facts"}});
    ASSERT_TRUE(db.ok()) << db.status();
    BounceReport report;
    report.set_recipient_id(22);
    report.set_final_recipient("Q");
    std::string bytes = report.SerializeAsString();
    bytes.back() = '\xe9';
    std::string key;
    AppendBig64(2, &key);
    rocksdb::WriteBatch batch;
    batch.Put((*db)->cf(0), key, bytes);
    ASSERT_TRUE((*db)->Write(&batch).ok());
  }
  EXPECT_EQ(ReadAll(*Open()), "1:1 2:22 3:3");
}

TEST_F(OutboxTest, AMessageOfTheFeedStaysWithinItsBytes) {
  auto outbox = Open();
  std::vector<BounceReport> reports(4);
  for (BounceReport& report : reports) report.set_evidence(std::string(600, 'x'));
  std::promise<absl::Status> result;
  outbox->Append(reports, [&](absl::Status status) { result.set_value(std::move(status)); });
  ASSERT_TRUE(result.get_future().get().ok());
  EXPECT_EQ(outbox->Read(0, 1000, 1500)->size(), 2u);
  EXPECT_EQ(outbox->Read(0, 1000, 100)->size(), 1u);
}

TEST_F(OutboxTest, StopRefusesWhatComesLater) {
  auto outbox = Open();
  ASSERT_TRUE(Append(outbox.get(), {1}).ok());
  outbox->Stop();
  EXPECT_EQ(Append(outbox.get(), {2}).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ReadAll(*outbox), "1:1");
  EXPECT_TRUE(outbox->Forget(1).ok());
}

TEST_F(OutboxTest, RefusesAFolderInUse) {
  auto outbox = Open();
  EXPECT_EQ(Outbox::Open({.path = path_}).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace wavepost
