#include "bouncer/aggregate/unpack.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "bouncer/aggregate/aggregate_test_util.h"
#include "common/base/status_macros.h"

namespace wavepost {
namespace {

absl::StatusOr<std::string> All(std::string_view packed) {
  ASSIGN_OR_RETURN(Unpacker in, Unpacker::Open(packed));
  std::string out;
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view piece, in.Next());
    if (piece.empty()) return out;
    if (piece.size() > 64 * 1024) return absl::InternalError("a piece that is too long");
    out.append(piece);
  }
}

std::string Long(size_t bytes) {
  std::string out = "<x>";
  for (size_t i = 0; out.size() < bytes; ++i) absl::StrAppend(&out, i * 2654435761u, " ");
  return out;
}

TEST(UnpackTest, Reads) {
  const std::string text = Long(300'000);
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"Plain", text},
      {"SpaceAndByteOrderMark", "\xEF\xBB\xBF \r\n" + text},
      {"Gzip", GzipOf(text)},
      {"GzipTwoMembers", GzipOf(text.substr(0, 1000)) + GzipOf(text.substr(1000))},
      {"Zip", ZipOf({{"a.xml", text}})},
      {"ZipSizesBehind", ZipOf({{"a.xml", text}}, "", /*with_sizes=*/false)},
      {"ZipStored", ZipOf({{"a.xml", text}}, "zip:compression=store")},
      {"ZipFolderFirst", ZipOf({{"reports/", ""}, {"reports/a.xml", text}})},
      {"ZipMac", ZipOf({{"__MACOSX/._a.xml", "<junk"}, {"._a.xml", "<junk"}, {"a.xml", text}})},
      {"ZipReadmeFirst", ZipOf({{"readme.txt", "Hello"}, {"empty.xml", ""}, {"a.xml", text}, {"b.xml", "<b>"}})},
      {"ZipOddName", ZipOf({{"\xE4\xF6\xFC\x80.xml", text}})},
  };
  for (const auto& [name, packed] : rows) {
    SCOPED_TRACE(name);
    const auto got = All(packed);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_TRUE(*got == text) << got->size();
  }
}

TEST(UnpackTest, TellsXmlFromJson) {
  const auto json = Unpacker::Open(" \n{\"a\":1}");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->kind(), Unpacker::Kind::kJson);
  const std::string packed = GzipOf("<feedback/>");
  const auto xml = Unpacker::Open(packed);
  ASSERT_TRUE(xml.ok());
  EXPECT_EQ(xml->kind(), Unpacker::Kind::kXml);
}

TEST(UnpackTest, Refuses) {
  const std::string text = Long(100'000);
  const std::string gzip = GzipOf(text);
  const std::string zip = ZipOf({{"a.xml", text}});
  std::vector<ZipEntry> many(11, {"readme.txt", "Hello"});
  many.push_back({"a.xml", text});
  const std::vector<std::tuple<std::string, std::string, absl::StatusCode, std::string>> rows = {
      {"Empty", "", absl::StatusCode::kInvalidArgument, "neither"},
      {"Text", "Hello", absl::StatusCode::kInvalidArgument, "neither"},
      {"GzipCut", gzip.substr(0, gzip.size() / 2), absl::StatusCode::kInvalidArgument, "broken"},
      {"GzipHeaderOnly", gzip.substr(0, 10), absl::StatusCode::kInvalidArgument, ""},
      {"GzipDamaged", gzip.substr(0, 20) + std::string(2000, '\xFF') + gzip.substr(2020),
       absl::StatusCode::kInvalidArgument, "broken"},
      {"GzipOfText", GzipOf("Hello"), absl::StatusCode::kInvalidArgument, "neither"},
      {"GzipInGzip", GzipOf(gzip), absl::StatusCode::kInvalidArgument, "another archive"},
      {"ZipInGzip", GzipOf(zip), absl::StatusCode::kInvalidArgument, "another archive"},
      {"GzipInZip", ZipOf({{"a.xml.gz", gzip}}), absl::StatusCode::kInvalidArgument, "another archive"},
      {"ZipCut", zip.substr(0, zip.size() / 2), absl::StatusCode::kInvalidArgument, "broken"},
      {"ZipNothingUsable", ZipOf({{"a.txt", "Hello"}}), absl::StatusCode::kInvalidArgument, "nothing in the zip"},
      {"ZipPassword", ZipOf({{"a.xml", text}}, "zip:encryption=traditional", true, "secret"),
       absl::StatusCode::kInvalidArgument, "password"},
      {"ZipManyEntries", ZipOf(many), absl::StatusCode::kResourceExhausted, "entries"},
      {"Large", "<" + std::string(kPackedBytesMax, ' '), absl::StatusCode::kResourceExhausted, "bytes"},
  };
  for (const auto& [name, packed, code, words] : rows) {
    SCOPED_TRACE(name);
    const auto got = All(packed);
    ASSERT_FALSE(got.ok()) << got->size();
    EXPECT_EQ(got.status().code(), code) << got.status();
    EXPECT_NE(got.status().message().find(words), std::string::npos) << got.status();
  }
}

// Any other compression of zip: the method stands at byte 8 of the entry and 10 of the directory's.
TEST(UnpackTest, RefusesOddCompressions) {
  for (const char method : {'\x01', '\x06', '\x09', '\x0C', '\x0E', '\x5F', '\x62', '\x63'}) {
    std::string zip = ZipOf({{"a.xml", Long(5000)}});
    zip[8] = method;
    const auto got = All(zip);
    EXPECT_EQ(got.status().code(), absl::StatusCode::kInvalidArgument) << static_cast<int>(method) << got.status();
  }
}

int64_t PeakKilobytes() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(UnpackTest, BombsGoOff) {
  const std::string much = "<x>" + std::string(40 << 20, ' ');
  const std::string gzip = GzipOf(much);
  const std::string zip = ZipOf({{"a.xml", much}});
  const std::string skipped = ZipOf({{"a.txt", "Hello" + much}, {"b.xml", "<x>"}}, "", /*with_sizes=*/false);
  const std::string folder = ZipOf({{"__MACOSX/a", much}, {"b.xml", "<x>"}}, "", /*with_sizes=*/false);
  // Little, but of one byte that stands for many.
  const std::string ratio = GzipOf("<x>" + std::string(8 << 20, ' '));
  const int64_t before = PeakKilobytes();
  for (const std::string& bomb : {gzip, zip, skipped, folder, ratio}) {
    const auto in = All(bomb);
    EXPECT_EQ(in.status().code(), absl::StatusCode::kResourceExhausted) << in.status();
  }
  // All() keeps what was unpacked, 20 MiB at most; nothing else grows.
  EXPECT_LT(PeakKilobytes() - before, 100 * 1024);
}

TEST(UnpackTest, UnpacksUpToTheLimit) {
  // Packs well, but not like a bomb.
  std::string text = "<x>";
  for (int i = 0; text.size() <= kUnpackedBytesMax; ++i) absl::StrAppend(&text, i, std::string(500, ' '));
  const auto all = All(GzipOf(text.substr(0, kUnpackedBytesMax)));
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->size(), kUnpackedBytesMax);
  const auto more = All(GzipOf(text.substr(0, kUnpackedBytesMax + 1)));
  EXPECT_EQ(more.status().code(), absl::StatusCode::kResourceExhausted) << more.status();
}

}  // namespace
}  // namespace wavepost
