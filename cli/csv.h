// Reads comma-separated values as RFC 4180 writes them, record by record: quoted fields, doubled quotes, line breaks in
// quotes, LF or CRLF, a UTF-8 byte order mark. Pure: bytes come from a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <istream>
#include <string>
#include <vector>

namespace wavepost::cli {

inline constexpr size_t kCsvRecordBytesMax = 256 * 1024;
inline constexpr size_t kCsvFieldsMax = 1000;

struct CsvRecord {
  int64_t line = 0;                 // where it begins, from 1
  std::vector<std::string> fields;  // UTF-8; empty if `error` is set
  std::string error;                // empty: a good record. Otherwise what is wrong with it, for people
};

// Not thread-safe; the stream must outlive it.
class CsvReader {
 public:
  explicit CsvReader(std::istream* in, char delimiter = ',') : in_(in), delimiter_(delimiter) {}

  // The next record; false at the end. Empty lines are skipped. After a bad record reading goes on with the physical
  // line after the one where it began: a quote that is never closed costs one row, not the rest of the file.
  bool Next(CsvRecord* record);

  // Bytes taken so far, for a progress bar.
  int64_t bytes_read() const { return bytes_read_; }

  // True if the stream broke (as opposed to: ended).
  bool failed() const { return in_->bad(); }

 private:
  // The next physical line with its line break. False at the end.
  bool NextLine(std::string* line);
  void Refuse(CsvRecord* record, std::string error, std::deque<std::string> rest);

  std::istream* in_;
  char delimiter_;
  int64_t line_ = 0;  // of the physical line given out last
  int64_t bytes_read_ = 0;
  bool begun_ = false;
  std::deque<std::string> again_;  // lines to be read a second time, because the record they were taken for was bad
};

}  // namespace wavepost::cli
