// A compiled template: literals, variables and sections over the columns of a recipient list.
//
// The language is Mustache as published, without partials, lambdas and inheritance: a template is one text that shows
// one recipient's values. Most columns are strings; a column may be declared JSON, and then its objects and lists can
// be walked by sections and dotted names.
//
// Why not kainjow::mustache: measured on two templates of 7 and 3 KB it alone takes 21 microseconds a message, close to
// half of what rendering, MIME included, may take; its render() is not const, so each thread would need a copy; it
// names neither the variables that a template uses nor the line of a mistake; and it would accept partials and lambdas.
// This one is a flat list of steps with columns as indexes, and is shared by all threads. Names are looked up while
// rendering only where a JSON column is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/content/template_tokens.h"
#include "common/content/template_value.h"

namespace wavepost {

inline constexpr int kTemplateDepthMax = 32;                // sections inside sections
inline constexpr size_t kRenderedBytesMax = 4 * (1 << 20);  // of one rendered template
// Steps of one rendering, lookups of names counted: what lists inside lists can multiply to.
inline constexpr size_t kRenderStepsMax = 500'000;

// What templates may use.
struct TemplateColumns {
  std::vector<std::string> names;
  std::vector<bool> json;  // parallel to `names`, or shorter: the rest are strings
};

// One recipient's values.
struct TemplateRow {
  const std::vector<std::string>* values = nullptr;   // one for each column, valid UTF-8; those of JSON columns unused
  const std::vector<TemplateValue>* trees = nullptr;  // one for each column, those of strings unused. nullptr: all null
};

// Immutable after Compile; all members may be called from any thread at once.
class Template {
 public:
  // Renders as nothing and needs nothing.
  Template() = default;

  // What {{name}} does to a value. Either way line ends become CRLF and other control characters (TAB excepted) become
  // spaces; {{{name}}} gets that much and no more.
  enum class Escape {
    kNone,  // plain text, and headers, whose encoding happens after rendering
    kHtml,  // & < > " ' become character references: safe in text and in quoted attributes
  };

  // Which names exist.
  enum class Names {
    kDeclared,     // a column by its whole name, dots included, or a path into a JSON column; all others are refused
    kAsPublished,  // the specification to the letter: unknown names are empty, dots always make a path
  };

  // Compiles tokens against the columns of the recipient list, in whose order Render takes the values.
  //
  // Inside a section over JSON a name is first looked up there, from the inside out, and then among the columns; it
  // need not be a column then: Check finds those that a recipient has nothing for.
  //
  // Errors: kInvalidArgument, "FIELD:LINE:COLUMN: what is wrong and what to do", on a name that is not among
  //         `columns`, on sections that are not closed, closed twice, crossed or nested more than kTemplateDepthMax
  //         deep, and with kHtml on a variable that is an attribute's value without quotes round it, where no escaping
  //         would be safe.
  static absl::StatusOr<Template> Compile(std::string_view field, const std::vector<TemplateToken>& tokens,
                                          const TemplateColumns& columns, Escape escape,
                                          Names names = Names::kDeclared);
  static absl::StatusOr<Template> Compile(std::string_view field, const std::vector<TemplateToken>& tokens,
                                          const std::vector<std::string>& columns, Escape escape);

  // TokenizeTemplate and Compile in one.
  static absl::StatusOr<Template> Compile(std::string_view field, std::string_view text, const TemplateColumns& columns,
                                          Escape escape, Names names = Names::kDeclared);
  static absl::StatusOr<Template> Compile(std::string_view field, std::string_view text,
                                          const std::vector<std::string>& columns, Escape escape);

  // Appends the rendered template, in UTF-8 with CRLF line ends, to `out`.
  //
  // A name without a value renders as nothing, as do lists and objects: ask Check first.
  // Errors: kResourceExhausted when more than kRenderedBytesMax would be appended or more than kRenderStepsMax taken;
  //         `out` then holds a part.
  absl::Status Render(const TemplateRow& row, std::string* out) const;
  absl::Status Render(const std::vector<std::string>& values, std::string* out) const {
    return Render(TemplateRow{&values, nullptr}, out);
  }

  // Whether this row has a value for everything that is needed: for each column in needed(), and, of JSON, for each
  // variable that would be rendered. Import asks this, so that nobody gets a mail with a gap in it.
  //
  // Errors: kInvalidArgument "'people[2].name' has no value, and html:12:5 needs one" (lists count from 0), with a
  //         guess at what was meant; also where a variable is a whole list or object. kResourceExhausted:
  //         kRenderStepsMax.
  absl::Status Check(const TemplateRow& row) const;

  // Per column. Needed: used outside a {{#section}} of its own name, so each recipient must have a value.
  // Optional: otherwise used (names a section, stands inside its own, or where a name may be found in JSON first).
  const std::vector<bool>& needed() const { return needed_; }
  const std::vector<bool>& optional() const { return optional_; }

  // Whether any JSON column is used: without, TemplateRow::trees is never looked at.
  bool uses_json() const { return !names_.empty(); }

  // Bytes that Render can append for these values, at most; computed without looking into them. More than
  // kRenderedBytesMax, which is no bound, for templates that use JSON: lists repeat what stands inside their section.
  size_t SizeBound(const std::vector<std::string>& values) const;

 private:
  friend class TemplateCompiler;
  friend class TemplateRenderer;

  struct Step {
    enum class Kind : uint8_t {
      kLiteral,
      // Over string columns; `a` is the column.
      kEscaped,
      kRaw,
      kSection,
      kInverted,
      // Over names that are looked up while rendering; `a` is the name.
      kNameEscaped,
      kNameRaw,
      kNameSection,
      kNameInverted,
      kNameClose,  // of a kNameSection: goes on with the next element of its list
    };
    Kind kind;
    uint32_t a = 0;  // literal: offset in literals_
    uint32_t b = 0;  // literal: length; sections: the step to go on with when the content is hidden
  };

  // A name that is looked up while rendering.
  struct Name {
    static constexpr uint32_t kNoColumn = UINT32_MAX;
    std::vector<std::string> path;  // split at its dots; empty: {{.}}
    uint32_t column = kNoColumn;    // where to look when no section around has path[0]
    bool column_is_json = false;
    bool whole = false;  // the column has the name with its dots: nothing of the path remains
    TemplatePosition position;
  };

  // A string column in needed_, and where it is used first.
  struct Needed {
    uint32_t column;
    std::string name;
    TemplatePosition position;
  };

  std::string field_;
  std::vector<Step> steps_;
  std::string literals_;
  std::vector<Name> names_;
  std::vector<bool> needed_;
  std::vector<bool> optional_;
  std::vector<Needed> needed_strings_;
};

}  // namespace wavepost
