#include "bouncer/aggregate/unpack.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kPieceBytes = 64 * 1024;

struct Free {
  void operator()(struct archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<struct archive, Free>;

absl::Status TooMuch(std::string_view what) {
  return absl::ResourceExhaustedError(absl::StrCat("the report's archive has ", Av(what)));
}

// libarchive's own words, which may quote the archive.
absl::Status Broken(struct archive* reader) {
  const char* text = archive_error_string(reader);
  return absl::InvalidArgumentError(
      absl::StrCat("the report's archive is broken: ", text == nullptr ? "no reason given" : Printable(text, 200)));
}

std::string_view WithoutLeadingSpace(std::string_view text) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  const size_t start = text.find_first_not_of(" \t\r\n");
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

// What Macs add beside each file.
bool IsCompanion(std::string_view name) {
  return name.substr(0, 9) == "__MACOSX/" || name.find("/._") != std::string_view::npos || name.substr(0, 2) == "._";
}

}  // namespace

class Unpacker::Impl {
 public:
  explicit Impl(std::string_view packed) : packed_(packed) {}

  absl::Status Open();
  absl::StatusOr<std::string_view> Next();
  Kind kind() const { return kind_; }

 private:
  absl::Status OpenArchive(bool zip);
  absl::Status OpenGzip();
  absl::Status FindEntry();
  absl::StatusOr<bool> TakeEntry(struct archive_entry* entry);
  absl::StatusOr<std::string_view> Piece();
  absl::Status Skip();
  absl::Status Start(Shape shape, std::string_view piece);

  std::string_view packed_;
  Reader reader_;  // none: plain
  size_t plain_at_ = 0;
  size_t unpacked_ = 0;
  std::vector<char> buffer_;
  std::string_view first_;  // the piece by which the kind was recognised; in packed_ or buffer_
  Kind kind_ = Kind::kXml;
};

absl::Status Unpacker::Impl::Start(Shape shape, std::string_view piece) {
  kind_ = shape == Shape::kJson ? Kind::kJson : Kind::kXml;
  first_ = WithoutLeadingSpace(piece);
  return absl::OkStatus();
}

absl::Status Unpacker::Impl::Open() {
  if (packed_.size() > kPackedBytesMax) return TooMuch(absl::StrCat("more than ", kPackedBytesMax, " bytes"));
  switch (const Shape shape = ShapeOf(packed_)) {
    case Shape::kXml:
    case Shape::kJson:
      return Start(shape, packed_.substr(0, plain_at_ = std::min(kPieceBytes, packed_.size())));
    case Shape::kGzip:
      return OpenGzip();
    case Shape::kZip:
      RETURN_IF_ERROR(OpenArchive(/*zip=*/true));
      return FindEntry();
    case Shape::kUnknown:
      break;
  }
  return absl::InvalidArgumentError("it is neither XML nor JSON, nor gzip nor zip");
}

absl::Status Unpacker::Impl::OpenArchive(bool zip) {
  reader_.reset(archive_read_new());
  if (reader_ == nullptr) return absl::ResourceExhaustedError("no memory for the report's archive");
  buffer_.resize(kPieceBytes);
  // Formats and filters are named, not guessed: guessing would unpack gzip within gzip, without any limit of ours.
  const int set = zip ? archive_read_support_format_zip_streamable(reader_.get())
                      : archive_read_append_filter(reader_.get(), ARCHIVE_FILTER_GZIP);
  if (set < ARCHIVE_WARN) return Broken(reader_.get());
  if (!zip && archive_read_support_format_raw(reader_.get()) < ARCHIVE_WARN) return Broken(reader_.get());
  if (archive_read_open_memory(reader_.get(), packed_.data(), packed_.size()) != ARCHIVE_OK) {
    return Broken(reader_.get());
  }
  return absl::OkStatus();
}

absl::Status Unpacker::Impl::OpenGzip() {
  RETURN_IF_ERROR(OpenArchive(/*zip=*/false));
  struct archive_entry* entry = nullptr;
  if (archive_read_next_header(reader_.get(), &entry) < ARCHIVE_WARN) return Broken(reader_.get());
  ASSIGN_OR_RETURN(const std::string_view piece, Piece());
  const Shape shape = ShapeOf(piece);
  if (shape == Shape::kGzip || shape == Shape::kZip) {
    return absl::InvalidArgumentError("the report's archive holds another archive");
  }
  if (shape == Shape::kUnknown) return absl::InvalidArgumentError("what is in the gzip is neither XML nor JSON");
  return Start(shape, piece);
}

absl::Status Unpacker::Impl::FindEntry() {
  for (size_t entries = 0;; ++entries) {
    struct archive_entry* entry = nullptr;
    const int got = archive_read_next_header(reader_.get(), &entry);
    if (got == ARCHIVE_EOF) break;
    // A name in an odd charset is only a warning.
    if (got < ARCHIVE_WARN) return Broken(reader_.get());
    if (entries == kZipEntriesMax) return TooMuch(absl::StrCat("more than ", kZipEntriesMax, " entries"));
    ASSIGN_OR_RETURN(const bool taken, TakeEntry(entry));
    if (taken) return absl::OkStatus();
  }
  return absl::InvalidArgumentError("nothing in the zip file is XML or JSON");
}

absl::StatusOr<bool> Unpacker::Impl::TakeEntry(struct archive_entry* entry) {
  if (archive_entry_is_data_encrypted(entry) != 0) return absl::InvalidArgumentError("the zip file has a password");
  // Only deflate and stored: the memory that zip's other compressions take is chosen by the file.
  const char* format = archive_format_name(reader_.get());
  const std::string_view name = format == nullptr ? "" : format;
  if (name.find("(deflation)") == std::string_view::npos && name.find("(uncompressed)") == std::string_view::npos) {
    return absl::InvalidArgumentError("the zip file is compressed by something other than deflate");
  }
  const char* path = archive_entry_pathname(entry);
  if (archive_entry_filetype(entry) != AE_IFREG || IsCompanion(path == nullptr ? "" : path)) {
    RETURN_IF_ERROR(Skip());
    return false;
  }
  ASSIGN_OR_RETURN(const std::string_view piece, Piece());
  const Shape shape = ShapeOf(piece);
  if (shape == Shape::kGzip || shape == Shape::kZip) {
    return absl::InvalidArgumentError("the report's archive holds another archive");
  }
  if (shape == Shape::kUnknown) {
    RETURN_IF_ERROR(Skip());
    return false;
  }
  RETURN_IF_ERROR(Start(shape, piece));
  return true;
}

// libarchive would unpack what it skips, too; here it counts.
absl::Status Unpacker::Impl::Skip() {
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view piece, Piece());
    if (piece.empty()) return absl::OkStatus();
  }
}

absl::StatusOr<std::string_view> Unpacker::Impl::Piece() {
  size_t filled = 0;
  while (filled < buffer_.size()) {
    const la_ssize_t got = archive_read_data(reader_.get(), buffer_.data() + filled, buffer_.size() - filled);
    if (got < 0) return Broken(reader_.get());
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  unpacked_ += filled;
  if (unpacked_ > kUnpackedBytesMax) return TooMuch(absl::StrCat("more than ", kUnpackedBytesMax, " bytes unpacked"));
  if (unpacked_ > kUnpackedBytesFree && unpacked_ / kUnpackRatioMax > packed_.size()) {
    return TooMuch(absl::StrCat("more than ", kUnpackRatioMax, " bytes per packed byte"));
  }
  return std::string_view(buffer_.data(), filled);
}

absl::StatusOr<std::string_view> Unpacker::Impl::Next() {
  if (!first_.empty()) return std::exchange(first_, std::string_view());
  if (reader_ != nullptr) return Piece();
  const std::string_view piece = packed_.substr(plain_at_, kPieceBytes);
  plain_at_ += piece.size();
  return piece;
}

Unpacker::Unpacker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Unpacker::Unpacker(Unpacker&&) noexcept = default;
Unpacker& Unpacker::operator=(Unpacker&&) noexcept = default;
Unpacker::~Unpacker() = default;

Unpacker::Shape Unpacker::ShapeOf(std::string_view start) {
  if (start.substr(0, 2) == "\x1F\x8B") return Shape::kGzip;
  if (start.substr(0, 4) == "PK\x03\x04") return Shape::kZip;
  // UTF-16, which XML may be in: the parser finds out the rest.
  if (start.substr(0, 2) == "\xFF\xFE" || start.substr(0, 2) == "\xFE\xFF") return Shape::kXml;
  const std::string_view text = WithoutLeadingSpace(start.substr(0, 1024));
  if (text.empty()) return Shape::kUnknown;
  if (text.front() == '<') return Shape::kXml;
  if (text.front() == '{') return Shape::kJson;
  return Shape::kUnknown;
}

absl::StatusOr<Unpacker> Unpacker::Open(std::string_view packed) {
  auto impl = std::make_unique<Impl>(packed);
  RETURN_IF_ERROR(impl->Open());
  return Unpacker(std::move(impl));
}

Unpacker::Kind Unpacker::kind() const {
  return impl_->kind();
}

absl::StatusOr<std::string_view> Unpacker::Next() {
  return impl_->Next();
}

}  // namespace wavepost
