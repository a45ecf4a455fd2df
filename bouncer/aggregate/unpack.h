// Unpacks a report that came plain, in gzip (RFC 1952) or in a zip file, piece by piece: what it unpacks to is never in
// memory as a whole.
//
// With libarchive, which reads both, forward only and in memory that does not grow with the input; of its many formats
// only these two are switched on, and no archive inside another is ever opened.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

namespace wavepost {

inline constexpr size_t kPackedBytesMax = 10 << 20;
inline constexpr size_t kUnpackedBytesMax = 32 << 20;  // of all entries together, skipped ones included
// Unpacked per packed byte, once there is more than kUnpackedBytesFree. Reports reach about 50; deflate can do 1,030.
inline constexpr size_t kUnpackRatioMax = 200;
inline constexpr size_t kUnpackedBytesFree = 1 << 20;
inline constexpr size_t kZipEntriesMax = 10;

class Unpacker {
 public:
  enum class Kind { kXml, kJson };

  // What bytes start like, behind a byte order mark and white space. kUnknown: no report. Looks at the start only.
  enum class Shape { kXml, kJson, kGzip, kZip, kUnknown };
  static Shape ShapeOf(std::string_view start);

  // `packed` must outlive the unpacker. Of a zip file, the first entry that looks like XML or JSON is read.
  //
  // Errors: kInvalidArgument   broken, encrypted, an odd compression, an archive inside, nothing in it that looks right
  //         kResourceExhausted beyond one of the limits above; the message names it
  static absl::StatusOr<Unpacker> Open(std::string_view packed);

  Unpacker(Unpacker&&) noexcept;
  Unpacker& operator=(Unpacker&&) noexcept;
  ~Unpacker();

  Kind kind() const;

  // The next piece, at most 64 KiB, good until the next call. Empty: the end. White space and a byte order mark before
  // the first letter are left out. Errors: as Open.
  absl::StatusOr<std::string_view> Next();

 private:
  class Impl;
  explicit Unpacker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wavepost
