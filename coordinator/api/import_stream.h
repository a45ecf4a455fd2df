// One ImportRecipients stream: chunk by chunk, checked and stored on the import pool, answered, and only then the next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/live_streams.h"
#include "coordinator/api/row_check.h"
#include "coordinator/rpc/stream.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost {

inline constexpr int kChunkRecipientsMax = 5000;
inline constexpr size_t kChunkBytesMax = 4 << 20;

// The deciding half: turns chunks into calls of the store. One chunk at a time, on any thread.
class Importer {
 public:
  // authorization: of the stream's caller; checked with the first chunk.
  Importer(const ApiContext* api, std::optional<std::string> authorization);

  // Errors end the stream.
  absl::StatusOr<v1::ImportRecipientsResponse> Import(v1::ImportRecipientsRequest chunk);

 private:
  absl::Status Open(const std::string& parent);

  const ApiContext* const api_;
  const std::optional<std::string> authorization_;
  std::string wave_;  // empty: no chunk yet
  RowRules rules_;
};

class ImportStream final : public LiveStream, public std::enable_shared_from_this<ImportStream> {
 public:
  using Stream = BidiStream<v1::ImportRecipientsRequest, v1::ImportRecipientsResponse>;

  ImportStream(const ApiContext* api, LiveStreams* live, std::shared_ptr<Stream> stream,
               std::optional<std::string> authorization);

  // On the streams' thread.
  void Start();
  void OnShutdown() override;

 private:
  void OnChunk(v1::ImportRecipientsRequest chunk);
  void OnStored(absl::StatusOr<v1::ImportRecipientsResponse> result);
  void EndAfterAnswer();

  const ApiContext* const api_;
  LiveStreams* const live_;
  const std::shared_ptr<Stream> stream_;
  Importer importer_;  // used by one import worker at a time, between OnChunk and OnStored
  bool busy_ = false;
  bool stopping_ = false;
};

}  // namespace wavepost
