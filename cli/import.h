// Streams the rows of a CSV file into a wave, chunk by chunk, and keeps account of the refused ones.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/cli.h"
#include "cli/csv.h"

namespace wavepost::cli {

inline constexpr size_t kChunkRowsMax = 1000;
inline constexpr size_t kChunkBytesMax = 2 << 20;  // well below the API's 4 MB
inline constexpr size_t kChunksInFlightMax = 4;

struct RefusedRow {
  int64_t line = 0;
  std::string address;      // as given, printable; may be empty
  std::string reason;       // the API's word, or BAD_ROW for rows that are no CSV
  std::string description;  // for people
};

struct ImportCounts {
  int64_t accepted = 0;
  int64_t refused = 0;
};

struct ImportJob {
  std::string wave;
  CsvReader* rows = nullptr;         // header already taken
  std::vector<std::string> columns;  // the header
  size_t address_column = 0;
  std::function<absl::Status(const RefusedRow&)> refused;      // called in file order, as acknowledgements come in
  std::function<void(const ImportCounts&, int64_t)> progress;  // counts so far, bytes read; after each acknowledgement
};

// Returns when the server has acknowledged every chunk. A broken connection is opened again (for up to two minutes) and
// what was not acknowledged is sent again: a chunk's request id is a hash of what it holds, so that a repeated chunk,
// also of a repeated run of the program, is stored once. Errors: the server's; kDataLoss (the file cannot be read on).
// What was acknowledged before stays stored.
absl::StatusOr<ImportCounts> Import(const Cli& cli, const ImportJob& job);

}  // namespace wavepost::cli
