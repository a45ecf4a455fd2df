// How much of a foreign message is looked at: cuts the head of it before a MIME parser builds anything.
//
// A parser makes an object per part, header line and nesting level; a hostile message of a megabyte can ask for
// hundreds of thousands. Cutting the bytes first bounds memory, time and recursion whatever the parser does with them.
#pragma once

#include <cstddef>
#include <string_view>

namespace wavepost {

// No report needs as much. Reports put what matters first and the returned original last, so a cut rarely costs
// anything.
inline constexpr size_t kHeadBytesMax = 1 << 20;
inline constexpr size_t kHeadLinesMax = 20'000;
// Lines that start with "--", as every border between parts does.
inline constexpr size_t kHeadBorderLinesMax = 1'000;
// Words without which a part cannot hold other parts ("boundary", "message/"): bounds nesting to about twice as much.
inline constexpr size_t kHeadNestingWordsMax = 48;
// Of one block of header lines (a paragraph that starts with "Name: ").
inline constexpr size_t kHeaderBlockBytesMax = 64 * 1024;

// For readers of larger mail.
struct HeadLimits {
  size_t bytes = kHeadBytesMax;
  size_t lines = kHeadLinesMax;
};

// The longest prefix of `message` within all limits above, cut at the start of a line (or in a line at limits.bytes).
// One pass, no memory.
std::string_view MimeHead(std::string_view message, const HeadLimits& limits = {});

}  // namespace wavepost
