#include "common/content/html_text.h"

#include <gumbo.h>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/html_position.h"
#include "common/content/html_walk.h"
#include "common/content/template.h"

namespace wavepost {
namespace {

// A tag on its way through the HTML parser: this, its number, that.
constexpr std::string_view kOpenMark = kHtmlMarkOpen;
constexpr std::string_view kCloseMark = kHtmlMarkClose;

absl::Status NoText(std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("text: cannot be derived from the HTML, which ", Av(why), "; give a text"));
}

// Refuses what could cost the parser more than a template is worth. It closes and reopens formatting elements that are
// nested wrongly, so that their number times the number of tags bounds the nodes that it makes.
absl::Status CheckSize(std::string_view html) {
  size_t tags = 0;
  size_t formatting = 0;
  for (size_t i = html.find('<'); i != std::string_view::npos; i = html.find('<', i + 1)) {
    ++tags;
    size_t end = i + 1;
    while (end < html.size() && end < i + 12 && ((html[end] | 0x20) >= 'a' && (html[end] | 0x20) <= 'z')) ++end;
    const std::string name = AsciiLower(html.substr(i + 1, end - i - 1));
    for (std::string_view element :
         {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}) {
      formatting += name == element;
    }
  }
  if (tags > kHtmlTagsMax || tags * formatting > kHtmlReopenedMax) return NoText("has too many tags");
  return absl::OkStatus();
}

// The parser compares each attribute's name with all before it in the tag.
absl::Status CheckAttributes(std::string_view html) {
  using Place = HtmlPosition::Place;
  HtmlPosition position;
  size_t attributes = 0;
  bool behind_break = false;  // where the next letter begins a name
  for (const char c : html) {
    position.Feed(std::string_view(&c, 1));
    if (position.place() == Place::kText || position.place() == Place::kComment) {
      attributes = 0;
      behind_break = false;
    } else if (position.place() == Place::kQuoted) {
      behind_break = true;
    } else {
      const bool is_break = std::string_view(" \t\r\n\f/\"'").find(c) != std::string_view::npos;
      if (!is_break && behind_break && ++attributes > kHtmlAttributesMax) {
        return NoText("has a tag with too many attributes");
      }
      behind_break = is_break;
    }
  }
  return absl::OkStatus();
}

// Memory of one run of the parser, up to a limit. The parser copies whole elements, attributes and all, when it reopens
// them, and knows no way to be refused memory: when there is no more, Parse is left by a jump.
class ParserMemory {
 public:
  // Null: not within kHtmlParserBytesMax. What comes back lives as long as this; it is not destroyed.
  GumboOutput* Parse(std::string_view html) {
    GumboOptions options = kGumboDefaultOptions;
    options.max_errors = 0;
    options.allocator = [](void* self, size_t bytes) { return static_cast<ParserMemory*>(self)->Take(bytes); };
    options.deallocator = [](void*, void*) {};
    options.userdata = this;
    // Between here and Take there are only frames of C, which have nothing to destroy.
    if (setjmp(full_) != 0) return nullptr;
    return gumbo_parse_with_options(&options, html.data(), html.size());
  }

 private:
  static constexpr size_t kBlockBytes = 256 << 10;

  void* Take(size_t bytes) {
    bytes = (bytes + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);
    if (bytes > left_) {
      const size_t block = std::max(bytes, kBlockBytes);
      taken_ += block;
      if (taken_ > kHtmlParserBytesMax) std::longjmp(full_, 1);
      blocks_.push_back(std::make_unique<char[]>(block));
      next_ = blocks_.back().get();
      left_ = block;
    }
    void* const out = next_;
    next_ += bytes;
    left_ -= bytes;
    return out;
  }

  std::jmp_buf full_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t taken_ = 0;
};

// The HTML with each distinct tag as a numbered placeholder, and what the numbers mean.
class Placeholders {
 public:
  std::string Put(const std::vector<TemplateToken>& html) {
    std::string source;
    HtmlPosition position;
    for (const TemplateToken& token : html) {
      if (token.kind == TemplateToken::Kind::kLiteral) {
        position.Feed(token.text);
        source.append(token.text);
        continue;
      }
      const bool variable = token.kind == TemplateToken::Kind::kVariable || token.kind == TemplateToken::Kind::kRaw;
      if (position.place() == HtmlPosition::Place::kTag) continue;  // switches attributes, which text has none of
      if (position.place() == HtmlPosition::Place::kComment) continue;
      // As a comment, a section's tag stays where it is, even between the rows of a table.
      const bool as_comment = !variable && position.place() == HtmlPosition::Place::kText;
      absl::StrAppend(&source, as_comment ? "<!--" : "", Av(kOpenMark), Number(token), Av(kCloseMark),
                      as_comment ? "-->" : "");
    }
    return source;
  }

  // Turns text with placeholders back into tokens.
  std::vector<TemplateToken> Take(std::string_view text) const {
    std::vector<TemplateToken> out;
    while (!text.empty()) {
      const size_t open = std::min(text.find(kOpenMark), text.size());
      if (open > 0) out.push_back({TemplateToken::Kind::kLiteral, std::string(text.substr(0, open)), {}});
      text.remove_prefix(open);
      if (text.empty()) break;
      text.remove_prefix(kOpenMark.size());
      const size_t close = std::min(text.find(kCloseMark), text.size());
      size_t number = 0;
      // A mark that the author's own HTML contained has no number, or no number of ours.
      if (absl::SimpleAtoi(Av(text.substr(0, close)), &number) && number < tokens_.size())
        out.push_back(tokens_[number]);
      text.remove_prefix(std::min(close + kCloseMark.size(), text.size()));
    }
    return out;
  }

 private:
  size_t Number(const TemplateToken& token) {
    TemplateToken in_text = token;
    if (in_text.kind == TemplateToken::Kind::kVariable) in_text.kind = TemplateToken::Kind::kRaw;
    const auto [it, added] = numbers_.try_emplace({in_text.kind, in_text.text}, tokens_.size());
    if (added) tokens_.push_back(std::move(in_text));
    return it->second;
  }

  std::map<std::pair<TemplateToken::Kind, std::string>, size_t> numbers_;
  std::vector<TemplateToken> tokens_;
};

}  // namespace

absl::StatusOr<std::vector<TemplateToken>> TextFromHtml(const std::vector<TemplateToken>& html) {
  Placeholders placeholders;
  const std::string source = placeholders.Put(html);
  RETURN_IF_ERROR(CheckSize(source));
  RETURN_IF_ERROR(CheckAttributes(source));

  ParserMemory memory;
  const GumboOutput* const parsed = memory.Parse(source);
  if (parsed == nullptr) return NoText("opens large elements again and again, because they are not closed in order");
  const std::optional<std::string> text = WriteHtmlAsText(*parsed);
  if (!text.has_value()) return NoText("nests its elements too deeply, or says too much");

  std::vector<TemplateToken> out = placeholders.Take(*text);
  bool has_text = false;
  for (const TemplateToken& token : out) {
    has_text |= token.kind == TemplateToken::Kind::kRaw ||
                (token.kind == TemplateToken::Kind::kLiteral && HasValue(token.text));
  }
  if (!has_text) return NoText("holds no text");
  return out;
}

}  // namespace wavepost
