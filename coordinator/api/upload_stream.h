// One UploadFile stream: read chunk by chunk, each taken on the import pool, and stored when the last one has come.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/api/api_context.h"
#include "coordinator/api/live_streams.h"
#include "coordinator/api/upload_gate.h"
#include "wavepost/v1/files_service.pb.h"

namespace wavepost {

inline constexpr size_t kUploadChunkBytesMax = 1 << 20;
inline constexpr size_t kFileBytesMax = 10 * (1 << 20);  // a message carries no more in all its attachments together
// An upload that brings less in so much time gives its place to others.
inline constexpr size_t kUploadProgressBytesMin = 512 * 1024;
inline constexpr absl::Duration kUploadProgressEvery = absl::Seconds(60);

// The deciding half: gathers chunks and hands the file to the store. One call at a time, on any thread.
class Uploader {
 public:
  // authorization: of the stream's caller; checked with the first chunk.
  Uploader(const ApiContext* api, std::optional<std::string> authorization);

  // Who calls, before anything is taken. kUnauthenticated.
  absl::Status Greet() const;
  // Errors end the upload: kInvalidArgument (parent; chunk or file too large), kNotFound (tenant).
  absl::Status Take(const v1::UploadFileRequest& chunk);
  // After the last chunk. Errors: kInvalidArgument (no bytes), those of Store::PutFile.
  absl::StatusOr<v1::File> Finish();

  size_t bytes() const { return data_.size(); }

 private:
  absl::Status Open(const std::string& parent);

  const ApiContext* const api_;
  const std::optional<std::string> authorization_;
  std::string parent_;  // empty: no chunk yet
  std::string data_;
};

// gRPC's threads only post; everything else happens on the thread of api->streams.
class UploadStream final : public grpc::ServerReadReactor<v1::UploadFileRequest>,
                           public LiveStream,
                           public std::enable_shared_from_this<UploadStream> {
 public:
  // Starts by itself and lives until gRPC is done with it. `response` belongs to gRPC until then.
  static UploadStream* Create(const ApiContext* api, LiveStreams* live, UploadGate* gate,
                              grpc::CallbackServerContext* context, v1::File* response);

  void OnShutdown() override;

 private:
  UploadStream(const ApiContext* api, LiveStreams* live, UploadGate* gate, std::optional<std::string> authorization,
               v1::File* response);

  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void Start();
  void Enter(const absl::Status& greeted);
  void Begin();
  void Read();
  void OnRead(bool ok);
  void OnTaken(const absl::Status& taken);
  void StoreFile();
  void OnStored(absl::StatusOr<v1::File> stored);
  void CheckProgress();
  // Runs `work` on the import pool and `then` with its result back here; closes the stream if the pool is full.
  template <class Work, class Then>
  void Run(Work work, Then then);
  void Close(const absl::Status& status);

  const ApiContext* const api_;
  LiveStreams* const live_;
  UploadGate* const gate_;
  v1::File* const response_;
  std::shared_ptr<UploadStream> self_;  // until OnDone
  Uploader uploader_;                   // used by one worker at a time, while busy_
  v1::UploadFileRequest request_;       // gRPC's while a read is under way
  size_t seen_bytes_ = 0;               // of the last look at the progress
  size_t taken_bytes_ = 0;
  bool busy_ = false;
  bool stopping_ = false;
  bool closed_ = false;
};

}  // namespace wavepost
