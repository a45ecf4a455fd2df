#include "bouncer/outbox/outbox.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bouncer/outbox/damaged.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace wavepost {
namespace {

constexpr size_t kReports = 0;  // column families
constexpr size_t kFacts = 1;
constexpr char kForgottenKey[] = "forgotten_through";
constexpr char kIdKey[] = "id";
constexpr char kRecoveredKey[] = "recovered_through";  // from the first opening until the coordinator's greeting
constexpr int64_t kForgetChunk = 4096;                 // deletions per write

std::string Key(int64_t sequence) {
  std::string key;
  AppendBig64(static_cast<uint64_t>(sequence), &key);
  return key;
}

// Every text field, however deep: what is not UTF-8 can be written, but neither our disk nor the wire gives it back.
void MakeUtf8(google::protobuf::Message* message) {
  using google::protobuf::FieldDescriptor;
  const auto* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection->FieldSize(*message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        MakeUtf8(field->is_repeated() ? reflection->MutableRepeatedMessage(message, field, i)
                                      : reflection->MutableMessage(message, field));
      } else if (field->type() == FieldDescriptor::TYPE_STRING && !field->is_repeated()) {
        std::string scratch;
        const std::string& text = reflection->GetStringReference(*message, field, &scratch);
        if (!IsUtf8(text)) reflection->SetString(message, field, Printable(text));
      }
    }
  }
}

// Leaves half of it.
template <class Rows>
void Halve(Rows* rows) {
  rows->DeleteSubrange(rows->size() / 2, rows->size() - rows->size() / 2);
}

}  // namespace

void MakeSendable(size_t bytes_max, cluster::v1::BounceReport* report) {
  while (report->ByteSizeLong() > bytes_max && report->has_dmarc() && !report->dmarc().rows().empty()) {
    Halve(report->mutable_dmarc()->mutable_rows());
    report->mutable_dmarc()->set_incomplete(true);
  }
  while (report->ByteSizeLong() > bytes_max && report->has_tls() && !report->tls().policies().empty()) {
    Halve(report->mutable_tls()->mutable_policies());
    report->mutable_tls()->set_incomplete(true);
  }
  MakeUtf8(report);
}

absl::StatusOr<std::unique_ptr<Outbox>> Outbox::Open(Options options) {
  std::unique_ptr<Outbox> out(new Outbox);
  ASSIGN_OR_RETURN(out->db_, Db::Open({.path = options.path,
                                       .kind = "bouncer",
                                       .version = 1,
                                       .column_families = {"reports", "facts"},
                                       .memory_bytes = kMemoryBytes}));
  out->records_max_ = options.records_max;
  RETURN_IF_ERROR(Annotate(out->Recover(options), options.path));
  Db* db = out->db_.get();
  if (!options.sync) options.sync = [db] { return db->Sync(); };
  out->writer_ = std::make_unique<CommitLoop>(std::move(options.sync));
  return out;
}

Outbox::~Outbox() {
  Stop();
}

void Outbox::Stop() {
  if (writer_ != nullptr) writer_->Stop();
}

absl::Status Outbox::Recover(const Options& options) {
  const absl::StatusOr<std::string> stored = db_->Get(kFacts, kForgottenKey);
  if (stored.ok()) {
    if (stored->size() != 8) return absl::DataLossError("the outbox's mark is damaged");
    const absl::StatusOr<std::string> id = db_->Get(kFacts, kIdKey);
    if (!id.ok() && !absl::IsNotFound(id.status())) return id.status();
    if (id.ok()) id_ = *id;
    forgotten_ = static_cast<int64_t>(ReadBig64(*stored));
  } else if (absl::IsNotFound(stored.status())) {
    // The start is written at once, so that it stays the same for ever.
    forgotten_ = std::max<int64_t>(options.first_sequence, 1) - 1;
    std::string value;
    AppendBig64(static_cast<uint64_t>(forgotten_.load()), &value);
    rocksdb::WriteBatch batch;
    batch.Put(db_->cf(kFacts), kForgottenKey, value);
    id_ = options.new_id;
    batch.Put(db_->cf(kFacts), kIdKey, id_);
    RETURN_IF_ERROR(db_->Write(&batch));
  } else {
    return stored.status();
  }
  std::unique_ptr<rocksdb::Iterator> last(db_->raw()->NewIterator(rocksdb::ReadOptions(), db_->cf(kReports)));
  last->SeekToLast();
  int64_t through = forgotten_;
  if (last->Valid()) {
    if (last->key().size() != 8) return absl::DataLossError("a key of the outbox is damaged");
    through = std::max(through, static_cast<int64_t>(ReadBig64(std::string_view(last->key().data(), 8))));
  }
  RETURN_IF_ERROR(FromRocks(last->status(), "read the outbox"));
  // A folder that fills through restarts without a coordinator was still as large as this when it was put back.
  const absl::StatusOr<std::string> opened = db_->Get(kFacts, kRecoveredKey);
  if (opened.ok()) {
    if (opened->size() != 8) return absl::DataLossError("the outbox's mark is damaged");
    recovered_ = static_cast<int64_t>(ReadBig64(*opened));
  } else if (absl::IsNotFound(opened.status())) {
    recovered_ = through;
    rocksdb::WriteBatch batch;
    batch.Put(db_->cf(kFacts), kRecoveredKey, Key(recovered_));
    RETURN_IF_ERROR(db_->Write(&batch));
  } else {
    return opened.status();
  }
  // What survived the last process is about to be told: it must survive the machine too.
  RETURN_IF_ERROR(db_->Sync());
  durable_ = through;
  next_ = through + 1;
  return absl::OkStatus();
}

void Outbox::Append(std::vector<cluster::v1::BounceReport> reports, Done done) {
  struct Change {
    std::vector<cluster::v1::BounceReport> reports;
    int64_t last = 0;
  };
  auto change = std::make_shared<Change>();
  change->reports = std::move(reports);
  writer_->Submit(
      [this, change] {
        RETURN_IF_ERROR(Apply(&change->reports));
        change->last = next_ - 1;
        return absl::OkStatus();
      },
      [this, change, done = std::move(done)](absl::Status status) {
        if (status.ok()) {
          durable_.store(change->last, std::memory_order_release);
          if (listener_) listener_();
        }
        if (done) done(std::move(status));
      });
}

absl::Status Outbox::Apply(std::vector<cluster::v1::BounceReport>* reports) {
  const int64_t count = static_cast<int64_t>(reports->size());
  if (next_ - 1 - forgotten_through() + count > records_max_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the outbox is full: ", records_max_, " reports wait for the coordinator"));
  }
  rocksdb::WriteBatch batch;
  int64_t sequence = next_;
  for (cluster::v1::BounceReport& report : *reports) {
    report.set_sequence(sequence);
    MakeSendable(kRecordBytesMax, &report);
    batch.Put(db_->cf(kReports), Key(sequence), report.SerializeAsString());
    ++sequence;
  }
  RETURN_IF_ERROR(db_->Write(&batch));
  next_ = sequence;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<cluster::v1::BounceReport>> Outbox::Read(int64_t after, size_t records_max,
                                                                    size_t bytes_max) const {
  std::vector<cluster::v1::BounceReport> out;
  const int64_t durable = durable_through();
  // What is forgotten is not looked at: seeking over its deletions would cost time.
  const int64_t from = std::max(after, forgotten_through()) + 1;
  if (from > durable) return out;
  const std::string end = Key(durable + 1);
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> it(db_->raw()->NewIterator(options, db_->cf(kReports)));
  size_t bytes = 0;
  for (it->Seek(Key(from)); it->Valid() && out.size() < records_max; it->Next()) {
    bytes += it->value().size();
    if (!out.empty() && bytes > bytes_max) break;
    cluster::v1::BounceReport report;
    if (!report.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      if (it->key().size() != 8) return absl::DataLossError("a key of the outbox is damaged");
      report = RescueRecord(std::string_view(it->value().data(), it->value().size()));
      report.set_sequence(static_cast<int64_t>(ReadBig64(std::string_view(it->key().data(), 8))));
      spdlog::error("event=outbox_record_damaged sequence={} bytes={} recipient={}", report.sequence(),
                    it->value().size(), report.recipient_id() != 0 ? "kept" : "none");
    }
    out.push_back(std::move(report));
  }
  RETURN_IF_ERROR(FromRocks(it->status(), "read the outbox"));
  return out;
}

absl::Status Outbox::Greeted() {
  if (greeted_) return absl::OkStatus();
  rocksdb::WriteBatch batch;
  batch.Delete(db_->cf(kFacts), kRecoveredKey);
  RETURN_IF_ERROR(db_->Write(&batch));
  RETURN_IF_ERROR(db_->Sync());
  greeted_ = true;
  return absl::OkStatus();
}

absl::Status Outbox::Rename(std::string id) {
  // Nothing has been told under the new id; what the mark was before is of no use to it.
  const int64_t told = forgotten_through();
  rocksdb::WriteBatch batch;
  batch.Put(db_->cf(kFacts), kIdKey, id);
  batch.Put(db_->cf(kFacts), kRecoveredKey, Key(told));
  RETURN_IF_ERROR(db_->Write(&batch));
  RETURN_IF_ERROR(db_->Sync());
  id_ = std::move(id);
  recovered_ = told;
  greeted_ = false;
  return absl::OkStatus();
}

absl::Status Outbox::Forget(int64_t through) {
  through = std::min(through, durable_through());
  while (forgotten_through() < through) {
    const int64_t first = forgotten_through() + 1;
    const int64_t last = std::min(through, first + kForgetChunk - 1);
    rocksdb::WriteBatch batch;
    for (int64_t sequence = first; sequence <= last; ++sequence) batch.Delete(db_->cf(kReports), Key(sequence));
    std::string value;
    AppendBig64(static_cast<uint64_t>(last), &value);
    batch.Put(db_->cf(kFacts), kForgottenKey, value);
    RETURN_IF_ERROR(db_->Write(&batch));
    forgotten_.store(last, std::memory_order_release);
  }
  return absl::OkStatus();
}

}  // namespace wavepost
