#include "common/content/html_walk.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "common/content/template.h"
#include "common/content/text_writer.h"

namespace wavepost {
namespace {

constexpr int kListStartMax = 10'000;
constexpr size_t kQuoteIndent = 2;

std::string_view Attribute(const GumboElement& element, const char* name) {
  const GumboAttribute* attribute = gumbo_get_attribute(&element.attributes, name);
  return attribute == nullptr ? std::string_view() : std::string_view(attribute->value);
}

// The style attribute in lower case without white space: "display:none;padding:0".
std::string StyleOf(const GumboElement& element) {
  std::string style = AsciiLower(Attribute(element, "style"));
  std::erase_if(style, [](unsigned char c) { return std::isspace(c) != 0; });
  return style;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool IsHidden(const GumboElement& element) {
  if (gumbo_get_attribute(&element.attributes, "hidden") != nullptr) return true;
  const std::string style = StyleOf(element);
  return Contains(style, "display:none") || Contains(style, "visibility:hidden");
}

// A link with two of the three things that make a box of it, or that is called a button.
bool LooksLikeButton(const GumboElement& element) {
  const std::string names =
      AsciiLower(absl::StrCat(Av(Attribute(element, "class")), " ", Av(Attribute(element, "role"))));
  if (Contains(names, "button") || Contains(names, "btn")) return true;
  const std::string style = StyleOf(element);
  return Contains(style, "background") + Contains(style, "padding") +
             (Contains(style, "display:inline-block") || Contains(style, "display:block")) >=
         2;
}

bool IsElement(const GumboNode* node, GumboTag tag) {
  return node->type == GUMBO_NODE_ELEMENT && node->v.element.tag == tag;
}

template <class Visit>
bool AnyChild(const GumboElement& element, Visit visit) {
  for (unsigned i = 0; i < element.children.length; ++i) {
    if (visit(static_cast<const GumboNode*>(element.children.data[i]))) return true;
  }
  return false;
}

// Whether rows of this table (or row group) have header cells: data, not layout.
bool HasHeaderCells(const GumboElement& table) {
  return AnyChild(table, [](const GumboNode* child) {
    if (IsElement(child, GUMBO_TAG_TR)) {
      return AnyChild(child->v.element, [](const GumboNode* cell) { return IsElement(cell, GUMBO_TAG_TH); });
    }
    const bool group = IsElement(child, GUMBO_TAG_THEAD) || IsElement(child, GUMBO_TAG_TBODY);
    return group && HasHeaderCells(child->v.element);  // groups do not nest: the parser sees to it
  });
}

// A template's tag that stood between elements.
bool IsMark(const GumboNode* node) {
  return node->type == GUMBO_NODE_COMMENT &&
         std::string_view(node->v.text.text).substr(0, kHtmlMarkOpen.size()) == kHtmlMarkOpen;
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \n"), text.size());
  return text.substr(begin, text.find_last_not_of(" \n") + 1 - begin);
}

class Walker {
 public:
  explicit Walker(TextWriter* out) : out_(out) {}

  // False: too deep.
  bool Walk(const GumboNode* node, int depth) {
    if (depth > kHtmlDepthMax || out_->written().size() > kRenderedBytesMax) return false;
    switch (node->type) {
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_CDATA:
      case GUMBO_NODE_WHITESPACE:
        out_->Text(node->v.text.text, /*lines_kept=*/preformatted_ > 0);
        return true;
      case GUMBO_NODE_COMMENT:
        if (IsMark(node)) out_->Mark(node->v.text.text);
        return true;
      case GUMBO_NODE_DOCUMENT:
        return WalkChildren(node->v.document.children, depth);
      case GUMBO_NODE_ELEMENT:
        return IsHidden(node->v.element) || WalkElement(node->v.element, depth);
      default:
        return true;
    }
  }

 private:
  struct List {
    bool numbered;
    int next;
  };

  struct Table {
    bool is_data;
    int cells = 0;  // of the row so far
  };

  bool WalkChildren(const GumboVector& children, int depth) {
    for (unsigned i = 0; i < children.length; ++i) {
      if (!Walk(static_cast<const GumboNode*>(children.data[i]), depth + 1)) return false;
    }
    return true;
  }

  bool WalkElement(const GumboElement& element, int depth) {
    switch (element.tag) {
      case GUMBO_TAG_HEAD:
      case GUMBO_TAG_STYLE:
      case GUMBO_TAG_SCRIPT:
      case GUMBO_TAG_TITLE:
      case GUMBO_TAG_TEXTAREA:
      case GUMBO_TAG_SELECT:
      case GUMBO_TAG_SVG:
        return true;
      case GUMBO_TAG_BR:
        out_->LineBreak();
        return true;
      case GUMBO_TAG_HR:
        out_->Break(2);
        out_->Text("----------");
        out_->Break(2);
        return true;
      case GUMBO_TAG_IMG:
        out_->Text(Attribute(element, "alt"));
        return true;
      case GUMBO_TAG_A:
        return WalkLink(element, depth);
      case GUMBO_TAG_UL:
      case GUMBO_TAG_OL:
        return WalkList(element, depth);
      case GUMBO_TAG_LI:
        return WalkItem(element, depth);
      case GUMBO_TAG_TABLE:
        return WalkTable(element, depth);
      case GUMBO_TAG_TR:
        if (!tables_.empty()) tables_.back().cells = 0;
        return WalkBlock(element, 1, depth);
      case GUMBO_TAG_TD:
      case GUMBO_TAG_TH:
        return WalkCell(element, depth);
      case GUMBO_TAG_PRE: {
        ++preformatted_;
        const bool walked = WalkBlock(element, 2, depth);
        --preformatted_;
        return walked;
      }
      case GUMBO_TAG_BLOCKQUOTE:
      case GUMBO_TAG_DD: {
        out_->Break(element.tag == GUMBO_TAG_DD ? 1 : 2);
        out_->Indent(kQuoteIndent);
        const bool walked = WalkBlock(element, element.tag == GUMBO_TAG_DD ? 1 : 2, depth);
        out_->Unindent(kQuoteIndent);
        return walked;
      }
      case GUMBO_TAG_P:
      case GUMBO_TAG_H1:
      case GUMBO_TAG_H2:
      case GUMBO_TAG_H3:
      case GUMBO_TAG_H4:
      case GUMBO_TAG_H5:
      case GUMBO_TAG_H6:
      case GUMBO_TAG_DL:
        return WalkBlock(element, 2, depth);
      case GUMBO_TAG_DIV:
      case GUMBO_TAG_SECTION:
      case GUMBO_TAG_ARTICLE:
      case GUMBO_TAG_HEADER:
      case GUMBO_TAG_FOOTER:
      case GUMBO_TAG_MAIN:
      case GUMBO_TAG_CENTER:
      case GUMBO_TAG_ADDRESS:
      case GUMBO_TAG_CAPTION:
      case GUMBO_TAG_DT:
        return WalkBlock(element, 1, depth);
      default:
        return WalkChildren(element.children, depth);
    }
  }

  bool WalkBlock(const GumboElement& element, int newlines, int depth) {
    out_->Break(newlines);
    if (!WalkChildren(element.children, depth)) return false;
    out_->Break(newlines);
    return true;
  }

  bool WalkList(const GumboElement& element, int depth) {
    // Items that a section repeats or hides cannot be numbered beforehand.
    List list{element.tag == GUMBO_TAG_OL && !AnyChild(element, IsMark), 1};
    int start = 1;
    if (absl::SimpleAtoi(Av(Attribute(element, "start")), &start)) list.next = std::clamp(start, 0, kListStartMax);
    lists_.push_back(list);
    const bool walked = WalkBlock(element, lists_.size() == 1 ? 2 : 1, depth);
    lists_.pop_back();
    return walked;
  }

  bool WalkItem(const GumboElement& element, int depth) {
    const std::string bullet =
        lists_.empty() || !lists_.back().numbered ? "-" : absl::StrCat(lists_.back().next++, ".");
    out_->Bullet(bullet);
    if (!WalkChildren(element.children, depth)) return false;
    out_->Unindent(bullet.size() + 1);
    out_->Break(1);
    return true;
  }

  bool WalkTable(const GumboElement& element, int depth) {
    const std::string_view role = Attribute(element, "role");
    tables_.push_back({role != "presentation" && role != "none" && HasHeaderCells(element)});
    const bool walked = WalkBlock(element, 2, depth);
    tables_.pop_back();
    return walked;
  }

  bool WalkCell(const GumboElement& element, int depth) {
    const bool is_data = !tables_.empty() && tables_.back().is_data;
    if (!is_data) {
      if (!WalkChildren(element.children, depth)) return false;
      out_->Text(" ");
      return true;
    }
    if (tables_.back().cells++ > 0) out_->Text(" | ");
    out_->OpenLine();
    const bool walked = WalkChildren(element.children, depth);
    out_->CloseLine();
    return walked;
  }

  // "Label <target>", or the target once where it is the label too.
  bool WalkLink(const GumboElement& element, int depth) {
    std::string_view target = Attribute(element, "href");
    if (target.empty() || target[0] == '#' || StartsWithIgnoreCase(target, "javascript:")) {
      return WalkChildren(element.children, depth);
    }
    const bool button = LooksLikeButton(element);
    if (button) out_->Break(1);
    out_->BeginText();
    const size_t start = out_->written().size();
    if (!WalkChildren(element.children, depth)) return false;
    if (StartsWithIgnoreCase(target, "mailto:")) target = target.substr(7, target.find('?') - 7);
    if (!IsLabelEnough(Trimmed(out_->written().substr(start)), target)) {
      out_->Text(absl::StrCat(" <", Av(target), ">"));
    }
    if (button) out_->Break(1);
    return true;
  }

  static bool IsLabelEnough(std::string_view label, std::string_view target) {
    if (label.empty()) return false;
    if (StartsWithIgnoreCase(target, "tel:")) return true;
    const auto without_slash = [](std::string_view s) {
      return s.substr(0, s.size() - (!s.empty() && s.back() == '/'));
    };
    return without_slash(label) == without_slash(target);
  }

  TextWriter* out_;
  std::vector<List> lists_;
  std::vector<Table> tables_;
  int preformatted_ = 0;
};

}  // namespace

std::optional<std::string> WriteHtmlAsText(const GumboOutput& html) {
  TextWriter writer;
  if (!Walker(&writer).Walk(html.document, 0)) return std::nullopt;
  return writer.Finish();
}

}  // namespace wavepost
