#include "common/content/html_text.h"

#include <gumbo.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/html_position.h"
#include "common/content/template.h"

namespace wavepost {
namespace {

// A tag on its way through the HTML parser: this, its number, that. The last characters of the last private-use plane
// (U+10FFF0, U+10FFF1): nobody's text.
constexpr std::string_view kOpenMark = "\xF4\x8F\xBF\xB0";
constexpr std::string_view kCloseMark = "\xF4\x8F\xBF\xB1";

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

// Writes text in lines and paragraphs: white space collapses, blank lines are asked for and come when text follows.
class TextWriter {
 public:
  // A run of text from the HTML.
  void Text(std::string_view text) {
    while (!text.empty()) {
      size_t length = 1;
      if (text[0] == ' ' || text[0] == '\t' || text[0] == '\n' || text[0] == '\r' || text[0] == '\f') {
        space_ = true;
      } else if ((length = NoBreakSpace(text)) != 0) {
        space_ = true;
      } else if ((length = Invisible(text)) == 0) {
        length = 1;
        Flush();
        out_.push_back(text[0]);
        newlines_ = 0;
        empty_ = false;
        bullet_ = false;
      }
      text.remove_prefix(length);
    }
  }

  // A section's begin or end: takes no room, and what was asked for before it must not depend on it.
  void Mark(std::string_view mark) {
    Flush();
    out_.append(mark);
  }

  // Starts a list item: the next text follows on the same line, whatever paragraphs it is wrapped in.
  void Bullet(std::string_view bullet) {
    Break(1);
    Text(bullet);
    space_ = true;
    bullet_ = true;
  }

  // At least `count` line ends before the next text.
  void Break(int count) {
    if (bullet_) return;
    wanted_ = std::max(wanted_, count);
    space_ = false;
  }

  // What has been written, to look back at.
  std::string_view written() const { return out_; }

  std::string Finish() {
    if (!empty_ && newlines_ == 0) out_.append("\n");
    return std::move(out_);
  }

 private:
  static size_t NoBreakSpace(std::string_view s) { return s.substr(0, 2) == "\xC2\xA0" ? 2 : 0; }

  // What invisible preheaders are padded with: soft hyphen, zero-width characters, word joiner, joiner, BOM.
  static size_t Invisible(std::string_view s) {
    if (s.substr(0, 2) == "\xC2\xAD" || s.substr(0, 2) == "\xCD\x8F") return 2;
    for (std::string_view c : {"\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x81\xA0", "\xEF\xBB\xBF"}) {
      if (s.substr(0, 3) == c) return 3;
    }
    return 0;
  }

  void Flush() {
    if (empty_) {  // nothing goes before the first text; marks are not text
      wanted_ = 0;
      space_ = false;
    }
    while (newlines_ < wanted_) {
      out_.push_back('\n');
      ++newlines_;
    }
    wanted_ = 0;
    if (space_ && newlines_ == 0) out_.push_back(' ');
    space_ = false;
  }

  std::string out_;
  bool empty_ = true;
  bool space_ = false;
  bool bullet_ = false;
  int wanted_ = 0;
  int newlines_ = 0;  // line ends that `out_` ends in, marks aside
};

class Walker {
 public:
  explicit Walker(TextWriter* out) : out_(out) {}

  absl::Status Walk(const GumboNode* node, int depth) {
    if (depth > kHtmlDepthMax) return NoText("nests its elements too deeply");
    switch (node->type) {
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_CDATA:
      case GUMBO_NODE_WHITESPACE:
        out_->Text(node->v.text.text);
        return absl::OkStatus();
      case GUMBO_NODE_COMMENT:
        // Only ours: a tag that stood between elements.
        if (std::string_view(node->v.text.text).substr(0, kOpenMark.size()) == kOpenMark) {
          out_->Mark(node->v.text.text);
        }
        return absl::OkStatus();
      case GUMBO_NODE_DOCUMENT:
        return WalkChildren(&node->v.document.children, depth);
      case GUMBO_NODE_ELEMENT:
        return WalkElement(node->v.element, depth);
      default:
        return absl::OkStatus();
    }
  }

 private:
  struct List {
    bool numbered;
    int items;
  };

  absl::Status WalkChildren(const GumboVector* children, int depth) {
    for (unsigned i = 0; i < children->length; ++i) {
      RETURN_IF_ERROR(Walk(static_cast<const GumboNode*>(children->data[i]), depth + 1));
    }
    return absl::OkStatus();
  }

  absl::Status WalkElement(const GumboElement& element, int depth) {
    if (IsHidden(element)) return absl::OkStatus();
    switch (element.tag) {
      case GUMBO_TAG_HEAD:
      case GUMBO_TAG_STYLE:
      case GUMBO_TAG_SCRIPT:
      case GUMBO_TAG_TITLE:
      case GUMBO_TAG_TEXTAREA:
      case GUMBO_TAG_SELECT:
      case GUMBO_TAG_SVG:
        return absl::OkStatus();
      case GUMBO_TAG_BR:
        out_->Break(1);
        return absl::OkStatus();
      case GUMBO_TAG_HR:
        out_->Break(2);
        out_->Text("----------");
        out_->Break(2);
        return absl::OkStatus();
      case GUMBO_TAG_IMG:
        out_->Text(Attribute(element, "alt"));
        return absl::OkStatus();
      case GUMBO_TAG_A:
        return WalkLink(element, depth);
      case GUMBO_TAG_UL:
      case GUMBO_TAG_OL: {
        lists_.push_back({element.tag == GUMBO_TAG_OL, 0});
        const absl::Status status = WalkBlock(element, lists_.size() == 1 ? 2 : 1, depth);
        lists_.pop_back();
        return status;
      }
      case GUMBO_TAG_LI:
        out_->Bullet(lists_.empty() || !lists_.back().numbered ? "-" : absl::StrCat(++lists_.back().items, "."));
        RETURN_IF_ERROR(WalkChildren(&element.children, depth));
        out_->Break(1);
        return absl::OkStatus();
      case GUMBO_TAG_TD:
      case GUMBO_TAG_TH:
        RETURN_IF_ERROR(WalkChildren(&element.children, depth));
        out_->Text(" ");
        return absl::OkStatus();
      case GUMBO_TAG_P:
      case GUMBO_TAG_H1:
      case GUMBO_TAG_H2:
      case GUMBO_TAG_H3:
      case GUMBO_TAG_H4:
      case GUMBO_TAG_H5:
      case GUMBO_TAG_H6:
      case GUMBO_TAG_TABLE:
      case GUMBO_TAG_BLOCKQUOTE:
      case GUMBO_TAG_PRE:
      case GUMBO_TAG_DL:
        return WalkBlock(element, 2, depth);
      case GUMBO_TAG_DIV:
      case GUMBO_TAG_TR:
      case GUMBO_TAG_SECTION:
      case GUMBO_TAG_ARTICLE:
      case GUMBO_TAG_HEADER:
      case GUMBO_TAG_FOOTER:
      case GUMBO_TAG_MAIN:
      case GUMBO_TAG_CENTER:
      case GUMBO_TAG_ADDRESS:
      case GUMBO_TAG_DT:
      case GUMBO_TAG_DD:
        return WalkBlock(element, 1, depth);
      default:
        return WalkChildren(&element.children, depth);
    }
  }

  absl::Status WalkBlock(const GumboElement& element, int newlines, int depth) {
    out_->Break(newlines);
    RETURN_IF_ERROR(WalkChildren(&element.children, depth));
    out_->Break(newlines);
    return absl::OkStatus();
  }

  // "Label <target>", or the target once where it is the label too.
  absl::Status WalkLink(const GumboElement& element, int depth) {
    const size_t start = out_->written().size();
    RETURN_IF_ERROR(WalkChildren(&element.children, depth));
    std::string_view label = out_->written().substr(start);
    label.remove_prefix(std::min(label.find_first_not_of(" \n"), label.size()));
    std::string_view target = Attribute(element, "href");
    if (target.empty() || target[0] == '#') return absl::OkStatus();
    if (StartsWithIgnoreCase(target, "mailto:")) target = target.substr(7, target.find('?') - 7);
    if (label == target) return absl::OkStatus();
    out_->Text(absl::StrCat(" <", Av(target), ">"));
    return absl::OkStatus();
  }

  static std::string_view Attribute(const GumboElement& element, const char* name) {
    const GumboAttribute* attribute = gumbo_get_attribute(&element.attributes, name);
    return attribute == nullptr ? std::string_view() : std::string_view(attribute->value);
  }

  static bool IsHidden(const GumboElement& element) {
    if (gumbo_get_attribute(&element.attributes, "hidden") != nullptr) return true;
    std::string style = AsciiLower(Attribute(element, "style"));
    std::erase(style, ' ');
    return style.find("display:none") != std::string::npos;
  }

  TextWriter* out_;
  std::vector<List> lists_;
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

  GumboOptions options = kGumboDefaultOptions;
  options.max_errors = 0;
  GumboOutput* parsed = gumbo_parse_with_options(&options, source.data(), source.size());
  TextWriter writer;
  const absl::Status walked = Walker(&writer).Walk(parsed->document, 0);
  gumbo_destroy_output(&options, parsed);
  RETURN_IF_ERROR(walked);

  const std::string text = writer.Finish();
  std::vector<TemplateToken> out = placeholders.Take(text);
  bool has_text = false;
  for (const TemplateToken& token : out) {
    has_text |= token.kind == TemplateToken::Kind::kRaw ||
                (token.kind == TemplateToken::Kind::kLiteral && HasValue(token.text));
  }
  if (!has_text) return NoText("holds no text");
  return out;
}

}  // namespace wavepost
