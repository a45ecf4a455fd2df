#include "cli/csv.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Cuts one record out of text that grows line by line.
class RecordParser {
 public:
  RecordParser(char delimiter, CsvRecord* record) : delimiter_(delimiter), record_(record) {}

  enum class Result { kDone, kNeedsLine, kBad };

  Result Feed(std::string_view line) {
    for (size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      const bool breaks = c == '\n' || (c == '\r' && (i + 1 == line.size() || line[i + 1] == '\n'));
      if (state_ == State::kQuoted) {
        if (c != '"') {
          field_ += c;
        } else if (i + 1 < line.size() && line[i + 1] == '"') {
          field_ += line[++i];
        } else {
          state_ = State::kAfterQuote;
        }
        continue;
      }
      if (breaks) return EndRecord();
      if (c == delimiter_) {
        if (!EndField()) return Result::kBad;
      } else if (c == '\r') {
        return Bad("a carriage return without line feed; save the file with LF or CRLF line ends");
      } else if (state_ == State::kAfterQuote) {
        return Bad("there is text after a closing quote; put the quote that belongs to the value twice (\"\")");
      } else if (c == '"') {
        if (!field_.empty())
          return Bad("a quote stands inside an unquoted field; quote the whole field and double the quote");
        state_ = State::kQuoted;
      } else if (c == '\0') {
        return Bad("a NUL byte; is this a text file? (UTF-16 must be converted to UTF-8)");
      } else {
        field_ += c;
      }
    }
    return state_ == State::kQuoted ? Result::kNeedsLine : EndRecord();
  }

  Result Bad(std::string error) {
    record_->error = std::move(error);
    return Result::kBad;
  }

 private:
  enum class State { kPlain, kQuoted, kAfterQuote };

  bool EndField() {
    if (record_->fields.size() >= kCsvFieldsMax) {
      Bad(absl::StrCat("more than ", kCsvFieldsMax, " fields"));
      return false;
    }
    if (!IsUtf8(field_)) {
      Bad(absl::StrCat("field ", record_->fields.size() + 1,
                       " is not UTF-8; convert the file first, e.g. with iconv -f ISO-8859-1 -t UTF-8"));
      return false;
    }
    record_->fields.push_back(std::move(field_));
    field_.clear();
    state_ = State::kPlain;
    return true;
  }

  Result EndRecord() { return EndField() ? Result::kDone : Result::kBad; }

  char delimiter_;
  CsvRecord* record_;
  State state_ = State::kPlain;
  std::string field_;
};

bool IsEmptyLine(std::string_view line) {
  return line == "\n" || line == "\r\n" || line.empty();
}

}  // namespace

bool CsvReader::NextLine(std::string* line) {
  if (!again_.empty()) {
    *line = std::move(again_.front());
    again_.pop_front();
    ++line_;
    return true;
  }
  line->clear();
  // By hand instead of getline: a file of one endless line must not become one string.
  std::streambuf* buffer = in_->rdbuf();
  int c = 0;
  while (c != '\n') {
    c = buffer->sbumpc();
    if (c == std::char_traits<char>::eof()) {
      in_->setstate(std::ios::eofbit);
      break;
    }
    ++bytes_read_;
    if (line->size() < kCsvRecordBytesMax) line->push_back(static_cast<char>(c));
  }
  if (!begun_) {
    begun_ = true;
    if (std::string_view(*line).substr(0, kByteOrderMark.size()) == kByteOrderMark)
      line->erase(0, kByteOrderMark.size());
    if (line->empty() && bytes_read_ > 0) line->push_back('\n');  // nothing but the mark
  }
  if (line->empty()) return false;
  ++line_;
  return true;
}

void CsvReader::Refuse(CsvRecord* record, std::string error, std::deque<std::string> rest) {
  record->error = std::move(error);
  record->fields.clear();
  line_ = record->line;
  for (std::string& line : again_) rest.push_back(std::move(line));
  again_ = std::move(rest);
}

bool CsvReader::Next(CsvRecord* record) {
  *record = {};
  std::string line;
  do {
    if (!NextLine(&line)) return false;
  } while (IsEmptyLine(line));
  record->line = line_;

  RecordParser parser(delimiter_, record);
  std::deque<std::string> rest;  // the record's lines after the first
  size_t bytes = line.size();
  while (true) {
    if (bytes >= kCsvRecordBytesMax) {
      Refuse(record,
             absl::StrCat("longer than ", kCsvRecordBytesMax / 1024,
                          " KB; is a quote not closed that opens in this line?"),
             std::move(rest));
      return true;
    }
    switch (parser.Feed(line)) {
      case RecordParser::Result::kDone:
        return true;
      case RecordParser::Result::kBad: {
        std::string error = std::move(record->error);
        Refuse(record, std::move(error), std::move(rest));
        return true;
      }
      case RecordParser::Result::kNeedsLine:
        break;
    }
    if (!NextLine(&line)) {
      Refuse(record, "a quote opens in this line and is not closed before the end of the file", std::move(rest));
      return true;
    }
    bytes += line.size();
    rest.push_back(line);
  }
}

}  // namespace wavepost::cli
