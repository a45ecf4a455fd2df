// A notice as lines: the part of a bounce that people read, cut where the returned original begins.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bouncer/report/document.h"
#include "common/smtp/classify_text.h"

namespace wavepost {

inline constexpr size_t kNoticeBytesMax = 16 * 1024;
inline constexpr size_t kNoticeLinesMax = 400;

struct NoticeLine {
  std::string_view text;           // without spaces at its ends, without marks of quoting
  ReplyWords words;                // of it
  bool recipients_follow = false;  // the addresses that the notice is about stand below it
};

struct Notice {
  std::vector<NoticeLine> lines;  // views into the document; blank lines are there, empty
  ReplyWords words;               // of all lines
  HeaderFields original;          // header of the original, if the text has one below its stop line

  // Texts that are views into `document` need it to live as long.
  static Notice Of(const Document& document);
};

}  // namespace wavepost
