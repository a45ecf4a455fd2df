#include "common/content/template_tokens.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

// Length of the line end at `at`, 0 if there is none.
size_t LineEndLength(std::string_view text, size_t at) {
  if (at >= text.size()) return 0;
  if (text[at] == '\n') return 1;
  if (text[at] != '\r') return 0;
  return at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
}

class Tokenizer {
 public:
  Tokenizer(std::string_view field, std::string_view text) : field_(field), text_(text) {}

  absl::StatusOr<std::vector<TemplateToken>> Run() {
    size_t tags = 0;
    size_t literal = 0;  // where the running literal starts
    for (size_t open = text_.find(open_); open != std::string_view::npos; open = text_.find(open_, literal)) {
      if (++tags > kTemplateTagsMax) {
        return TemplateError(field_, PositionOf(open), absl::StrCat("more than ", kTemplateTagsMax, " tags"));
      }
      Tag tag;
      RETURN_IF_ERROR(ReadTag(open, &tag));
      size_t literal_end = open;
      size_t next = tag.end;
      if (tag.can_stand_alone) TakeWholeLine(&literal_end, &next);
      AddLiteral(literal, literal_end);
      if (tag.kind.has_value()) {
        tokens_.push_back(
            {*tag.kind, std::string(tag.name), PositionOf(open), std::string(open_), std::string(close_)});
      }
      if (!tag.new_open.empty()) {
        open_ = tag.new_open;
        close_ = tag.new_close;
      }
      literal = next;
    }
    AddLiteral(literal, text_.size());
    return std::move(tokens_);
  }

 private:
  struct Tag {
    std::optional<TemplateToken::Kind> kind;  // nothing: a comment or a change of delimiters
    std::string_view name;
    size_t end = 0;  // behind its closing delimiter
    bool can_stand_alone = false;
    std::string_view new_open;  // of a change of delimiters
    std::string_view new_close;
  };

  absl::Status ReadTag(size_t open, Tag* tag) {
    using Kind = TemplateToken::Kind;
    size_t start = open + open_.size();
    const char sigil = start < text_.size() ? text_[start] : '\0';
    std::string closing(close_);
    if (sigil == '{') closing.insert(0, "}");
    if (sigil == '=') closing.insert(0, "=");
    const bool has_sigil = sigil != '\0' && std::string_view("{=!#^/&><$").find(sigil) != std::string_view::npos;
    if (has_sigil) ++start;
    const size_t close = text_.find(closing, start);
    // Only a comment may run over several lines; elsewhere a line end before the close means that it was forgotten.
    const bool one_line =
        sigil == '!' || text_.substr(start, close - start).find_first_of("\r\n") == std::string_view::npos;
    if (close == std::string_view::npos || !one_line) {
      const std::string_view line = text_.substr(open, 80);
      const std::string shown = Printable(line.substr(0, line.find_first_of("\r\n")), 40);
      return TemplateError(field_, PositionOf(open),
                           absl::StrCat("the tag \"", shown, "\" is not closed with ", closing));
    }
    tag->end = close + closing.size();
    tag->name = Sv(absl::StripAsciiWhitespace(Av(text_.substr(start, close - start))));
    switch (sigil) {
      case '!':
        tag->can_stand_alone = true;
        return absl::OkStatus();
      case '=':
        tag->can_stand_alone = true;
        return ReadDelimiters(open, tag);
      case '>':
        return TemplateError(field_, PositionOf(open),
                             absl::StrCat("the partial ", Shown(open, *tag),
                                          " is not supported: a template cannot include another, nor itself; put the "
                                          "text of \"",
                                          Printable(tag->name, 40), "\" here"));
      case '<':
      case '$':
        return TemplateError(field_, PositionOf(open),
                             absl::StrCat(Shown(open, *tag),
                                          ": inheritance is not supported; put the text itself here, or use "
                                          "sections ({{#name}}...{{/name}})"));
      case '#':
        tag->kind = Kind::kSection;
        break;
      case '^':
        tag->kind = Kind::kInverted;
        break;
      case '/':
        tag->kind = Kind::kClose;
        break;
      case '&':
      case '{':
        tag->kind = Kind::kRaw;
        break;
      default:
        tag->kind = Kind::kVariable;
    }
    tag->can_stand_alone = sigil == '#' || sigil == '^' || sigil == '/';
    if (tag->name.empty()) return TemplateError(field_, PositionOf(open), "the tag has no name");
    if (tag->name.size() > kTemplateNameBytesMax || tag->name.find_first_of("{}") != std::string_view::npos) {
      return TemplateError(field_, PositionOf(open),
                           absl::StrCat("\"", Printable(tag->name, 40), "\" cannot be the name of a column"));
    }
    return absl::OkStatus();
  }

  // The two words of a tag like {{=<% %>=}}.
  absl::Status ReadDelimiters(size_t open, Tag* tag) {
    const std::string_view both = tag->name;
    const size_t gap = std::min(both.find_first_of(" \t"), both.size());
    tag->new_open = both.substr(0, gap);
    tag->new_close = Sv(absl::StripLeadingAsciiWhitespace(Av(both.substr(gap))));
    for (const std::string_view delimiter : {tag->new_open, tag->new_close}) {
      if (delimiter.empty() || delimiter.size() > kTemplateDelimiterBytesMax ||
          delimiter.find_first_of(" \t=") != std::string_view::npos) {
        return TemplateError(
            field_, PositionOf(open),
            absl::StrCat(Shown(open, *tag), " does not give two delimiters of at most ", kTemplateDelimiterBytesMax,
                         " bytes with a space between them and no =; write {{=<% %>=}}"));
      }
    }
    return absl::OkStatus();
  }

  // The tag as it was written.
  std::string Shown(size_t open, const Tag& tag) const { return Printable(text_.substr(open, tag.end - open), 60); }

  // If only blanks stand on both sides up to the line ends, widens the tag over its whole line.
  void TakeWholeLine(size_t* from, size_t* to) const {
    size_t begin = *from;
    while (begin > 0 && IsBlank(text_[begin - 1])) --begin;
    if (begin > 0 && text_[begin - 1] != '\n' && text_[begin - 1] != '\r') return;
    size_t end = *to;
    while (end < text_.size() && IsBlank(text_[end])) ++end;
    const size_t line_end = LineEndLength(text_, end);
    if (line_end == 0 && end < text_.size()) return;
    *from = begin;
    *to = end + line_end;
  }

  void AddLiteral(size_t from, size_t to) {
    if (from >= to) return;
    tokens_.push_back({TemplateToken::Kind::kLiteral, std::string(text_.substr(from, to - from)), PositionOf(from)});
  }

  // Called with rising offsets, give or take one tag, so that the whole template is counted about once.
  TemplatePosition PositionOf(size_t offset) {
    if (offset < counted_) {
      counted_ = 0;
      position_ = {};
    }
    while (counted_ < offset) {
      const size_t line_end = LineEndLength(text_, counted_);
      if (line_end != 0 && counted_ + line_end <= offset) {
        counted_ += line_end;
        ++position_.line;
        position_.column = 1;
        continue;
      }
      if ((static_cast<unsigned char>(text_[counted_]) & 0xC0) != 0x80) ++position_.column;
      ++counted_;
    }
    return position_;
  }

  std::string_view field_;
  std::string_view text_;
  std::string_view open_ = "{{";  // or in text_
  std::string_view close_ = "}}";
  std::vector<TemplateToken> tokens_;
  size_t counted_ = 0;
  TemplatePosition position_;
};

}  // namespace

std::string TagText(const TemplateToken& token) {
  using Kind = TemplateToken::Kind;
  const char* sigil = "";
  if (token.kind == Kind::kSection) sigil = "#";
  if (token.kind == Kind::kInverted) sigil = "^";
  if (token.kind == Kind::kClose) sigil = "/";
  return absl::StrCat(token.open, sigil, token.text, token.close);
}

absl::Status TemplateError(std::string_view field, TemplatePosition position, std::string_view message) {
  return absl::InvalidArgumentError(
      absl::StrCat(Av(field), ":", position.line, ":", position.column, ": ", Av(message)));
}

absl::StatusOr<std::vector<TemplateToken>> TokenizeTemplate(std::string_view field, std::string_view text) {
  if (text.size() > kTemplateBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(Av(field), ": has ", text.size(), " bytes; at most ", kTemplateBytesMax, " are allowed"));
  }
  if (!IsUtf8(text)) return absl::InvalidArgumentError(absl::StrCat(Av(field), ": is not valid UTF-8"));
  return Tokenizer(field, text).Run();
}

}  // namespace wavepost
