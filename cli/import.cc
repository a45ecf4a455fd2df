#include "cli/import.h"

#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/content_id.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

constexpr absl::Duration kReconnectMax = absl::Minutes(2);
constexpr int kReconnectsMax = 20;  // without an acknowledgement in between
constexpr size_t kAddressBytesMax = 320;

struct Chunk {
  v1::ImportRecipientsRequest request;
  std::vector<int64_t> lines;        // of each recipient
  std::vector<RefusedRow> bad_rows;  // rows of this stretch of the file that were never sent
};

class Importer {
 public:
  Importer(const Cli& cli, const ImportJob& job)
      : cli_(cli), job_(job), stub_(v1::CampaignService::NewStub(cli.channel())) {}

  absl::StatusOr<ImportCounts> Run() {
    int breaks = 0;
    while (true) {
      const int64_t acknowledged = acknowledged_;
      const absl::Status status = Stream();
      if (status.ok()) return counts_;
      if (acknowledged_ > acknowledged) breaks = 0;
      if (!IsBrokenConnection(status) || ++breaks > kReconnectsMax) return status;
      // Never reached it: say so at once instead of trying for minutes.
      if (acknowledged_ == 0 && breaks > 1) return status;
      if (acknowledged_ > 0) cli_.err() << "wavepost: connection lost, trying again ...\n";
      if (!WaitForServer(cli_, acknowledged_ == 0 ? absl::Seconds(5) : kReconnectMax)) return status;
    }
  }

 private:
  using ClientStream = grpc::ClientReaderWriter<v1::ImportRecipientsRequest, v1::ImportRecipientsResponse>;

  // Sends what is unacknowledged and then the rest of the file, over one stream.
  absl::Status Stream() {
    const auto context = NewContext(cli_, absl::InfiniteDuration());
    const auto stream = stub_->ImportRecipients(context.get());
    const absl::Status status = Pump(*stream);
    if (!status.ok() && !stream_broke_) {
      context->TryCancel();  // ours: the file, or an answer that makes no sense
      stream->Finish();
      return status;
    }
    const grpc::Status end = stream->Finish();
    if (!end.ok()) return FromGrpc(end);
    if (stream_broke_) return absl::UnavailableError("the coordinator ended the import early");
    return status;
  }

  absl::Status Pump(ClientStream& stream) {
    stream_broke_ = false;
    size_t written = 0;  // of in_flight_
    while (true) {
      while (written < in_flight_.size() || (!at_end_ && in_flight_.size() < kChunksInFlightMax)) {
        if (written == in_flight_.size()) {
          ASSIGN_OR_RETURN(std::optional<Chunk> chunk, NextChunk());
          if (!chunk.has_value()) break;
          in_flight_.push_back(*std::move(chunk));
        }
        // A stretch of nothing but bad rows has nothing to send.
        const Chunk& next = in_flight_[written++];
        if (!next.lines.empty() && !stream.Write(next.request)) return Broke(stream);
      }
      if (in_flight_.empty()) break;
      if (in_flight_.front().lines.empty()) {
        RETURN_IF_ERROR(Settle(v1::ImportRecipientsResponse()));
      } else {
        v1::ImportRecipientsResponse response;
        if (!stream.Read(&response)) return Broke(stream);
        RETURN_IF_ERROR(Acknowledge(response));
      }
      --written;
    }
    stream.WritesDone();
    return absl::OkStatus();
  }

  // What was acknowledged before the break may still be on its way. It must be read, too: Finish waits for that.
  absl::Status Broke(ClientStream& stream) {
    v1::ImportRecipientsResponse response;
    while (stream.Read(&response)) RETURN_IF_ERROR(Acknowledge(response));
    stream_broke_ = true;
    return absl::UnavailableError("the stream broke");
  }

  absl::Status Acknowledge(const v1::ImportRecipientsResponse& response) {
    // Stretches of nothing but bad rows were never sent.
    while (!in_flight_.empty() && in_flight_.front().lines.empty()) {
      RETURN_IF_ERROR(Settle(v1::ImportRecipientsResponse()));
    }
    if (in_flight_.empty() || response.request_id() != in_flight_.front().request.request_id()) {
      return absl::InternalError("the coordinator acknowledged another chunk than the one that is next");
    }
    return Settle(response);
  }

  // The oldest chunk is done with: counts it and hands its refused rows on, in file order.
  absl::Status Settle(const v1::ImportRecipientsResponse& response) {
    const Chunk chunk = std::move(in_flight_.front());
    in_flight_.pop_front();
    std::vector<RefusedRow> refused = chunk.bad_rows;
    for (const auto& refusal : response.refusals()) {
      const int64_t i = refusal.position() - chunk.request.first_position();
      if (i < 0 || i >= static_cast<int64_t>(chunk.lines.size())) {
        return absl::InternalError("the coordinator refused a row that was not in the chunk");
      }
      refused.push_back({chunk.lines[i], refusal.address(), refusal.reason(), refusal.description()});
    }
    std::stable_sort(refused.begin(), refused.end(),
                     [](const RefusedRow& a, const RefusedRow& b) { return a.line < b.line; });
    counts_.accepted += response.accepted();
    counts_.refused += static_cast<int64_t>(refused.size());
    ++acknowledged_;
    for (const RefusedRow& row : refused) RETURN_IF_ERROR(job_.refused(row));
    job_.progress(counts_, job_.rows->bytes_read());
    return absl::OkStatus();
  }

  // Nothing at the end of the file.
  absl::StatusOr<std::optional<Chunk>> NextChunk() {
    Chunk chunk;
    chunk.request.set_parent(job_.wave);
    chunk.request.set_first_position(position_);
    size_t bytes = 0;
    CsvRecord record;
    while (chunk.lines.size() < kChunkRowsMax && chunk.bad_rows.size() < kChunkRowsMax && bytes < kChunkBytesMax) {
      if (!job_.rows->Next(&record)) {
        if (job_.rows->failed()) return FileError(absl::DataLossError("the CSV file cannot be read to its end"));
        at_end_ = true;
        break;
      }
      if (!record.error.empty()) {
        chunk.bad_rows.push_back({record.line, "", "BAD_ROW", record.error});
      } else if (record.fields.size() != job_.columns.size()) {
        chunk.bad_rows.push_back(
            {record.line, AddressOf(record), "BAD_ROW",
             absl::StrCat(record.fields.size(), " fields, but the header has ", job_.columns.size())});
      } else {
        for (const std::string& field : record.fields) bytes += field.size() + 32;
        AddRecipient(record, &chunk);
      }
    }
    if (chunk.lines.empty() && chunk.bad_rows.empty()) return std::nullopt;
    chunk.request.set_request_id(HashOf(chunk.request));
    return chunk;
  }

  void AddRecipient(const CsvRecord& record, Chunk* chunk) {
    v1::Recipient* recipient = chunk->request.add_recipients();
    recipient->set_address(record.fields[job_.address_column]);
    for (size_t i = 0; i < job_.columns.size(); ++i)
      (*recipient->mutable_attributes())[job_.columns[i]] = record.fields[i];
    chunk->lines.push_back(record.line);
    ++position_;
  }

  std::string AddressOf(const CsvRecord& record) const {
    if (job_.address_column >= record.fields.size()) return "";
    return Printable(record.fields[job_.address_column], kAddressBytesMax);
  }

  // Over the parts in a fixed order: a map's serialised order is not.
  std::string HashOf(const v1::ImportRecipientsRequest& request) const {
    std::string text;
    const auto add = [&text](std::string_view part) { absl::StrAppend(&text, part.size(), ":", Av(part)); };
    add(request.parent());
    add(std::to_string(request.first_position()));
    for (const v1::Recipient& recipient : request.recipients()) {
      add(recipient.address());
      for (const std::string& column : job_.columns) add(recipient.attributes().at(column));
    }
    return ContentId(text);
  }

  const Cli& cli_;
  const ImportJob& job_;
  std::unique_ptr<v1::CampaignService::Stub> stub_;
  std::deque<Chunk> in_flight_;
  bool at_end_ = false;
  bool stream_broke_ = false;
  int64_t position_ = 0;
  int64_t acknowledged_ = 0;
  ImportCounts counts_;
};

}  // namespace

absl::StatusOr<ImportCounts> Import(const Cli& cli, const ImportJob& job) {
  return Importer(cli, job).Run();
}

}  // namespace wavepost::cli
