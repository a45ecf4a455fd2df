#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/html_position.h"
#include "common/content/name_hint.h"
#include "common/content/template.h"
#include "common/content/value_text.h"

namespace wavepost {
namespace {

using Kind = TemplateToken::Kind;

constexpr size_t kColumnsShownMax = 40;

// The columns that exist, for the error about one that does not.
std::string ListColumns(const std::vector<std::string>& columns, std::string_view begin) {
  std::string out(begin);
  for (size_t i = 0; i < columns.size() && i < kColumnsShownMax; ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ", ", Printable(columns[i], kTemplateNameBytesMax));
  }
  if (columns.size() > kColumnsShownMax) absl::StrAppend(&out, " and ", columns.size() - kColumnsShownMax, " more");
  return out;
}

std::string NotAColumn(const TemplateToken& token, const std::vector<std::string>& columns) {
  std::string out = absl::StrCat(TagText(token), " is not a column; ");
  if (columns.empty()) return absl::StrCat(out, "there are no columns");
  const std::optional<std::string_view> meant = NearestName(token.text, columns);
  if (!meant.has_value()) return absl::StrCat(out, ListColumns(columns, "the columns are "));
  return absl::StrCat(out, "did you mean '", Printable(*meant, kTemplateNameBytesMax), "'? ",
                      ListColumns(columns, "The columns are "));
}

// What to write instead of a block of Handlebars, which many people take for Mustache; empty if it is none.
std::string InsteadOfHandlebars(const TemplateToken& token) {
  if (token.kind == Kind::kVariable && token.text == "else") {
    return absl::StrCat(TagText(token), " is not Mustache; close the section and write {{^name}}...{{/name}}");
  }
  if (token.kind != Kind::kSection) return "";
  for (const std::string_view word : {"if ", "each ", "with ", "unless "}) {
    if (token.text.substr(0, word.size()) != word) continue;
    const std::string name = token.text.substr(word.size());
    return absl::StrCat(TagText(token), " is not Mustache; write {{", word == "unless " ? "^" : "#", name, "}}...{{/",
                        name, "}}");
  }
  return "";
}

// What HTML escaping cannot make safe: names of tags and attributes, values without quotes.
absl::Status CheckPlace(std::string_view field, const TemplateToken& token, const HtmlPosition& position) {
  if (token.kind != Kind::kVariable || position.place() != HtmlPosition::Place::kTag) return absl::OkStatus();
  return TemplateError(
      field, token.position,
      absl::StrCat(TagText(token), " stands inside an HTML tag without quotes; write name=\"", TagText(token), "\""));
}

}  // namespace

class TemplateCompiler {
 public:
  using Step = Template::Step;
  using Name = Template::Name;

  TemplateCompiler(std::string_view field, const TemplateColumns& columns, Template::Escape escape,
                   Template::Names names)
      : columns_(columns), escape_(escape), names_(names) {
    for (size_t i = 0; i < columns.names.size(); ++i) {
      column_of_.emplace(columns.names[i], static_cast<uint32_t>(i));
    }
    out_.field_ = std::string(field);
    out_.needed_.resize(columns.names.size());
    out_.optional_.resize(columns.names.size());
  }

  absl::StatusOr<Template> Run(const std::vector<TemplateToken>& tokens) {
    for (const TemplateToken& token : tokens) {
      switch (token.kind) {
        case Kind::kLiteral:
          AddLiteral(token);
          break;
        case Kind::kSection:
        case Kind::kInverted:
          RETURN_IF_ERROR(OpenSection(token));
          break;
        case Kind::kClose:
          RETURN_IF_ERROR(CloseSection(token));
          break;
        case Kind::kVariable:
        case Kind::kRaw:
          RETURN_IF_ERROR(AddVariable(token));
          break;
      }
    }
    if (!open_.empty()) {
      const TemplateToken& token = *open_.back().token;
      return Error(token, absl::StrCat("the section ", TagText(token), " is not closed; write ", token.open, "/",
                                       token.text, token.close, " where it ends"));
    }
    return std::move(out_);
  }

 private:
  // What a tag's name stands for.
  struct Meaning {
    std::optional<uint32_t> string_column;  // known now, or:
    Name name;                              // looked up while rendering
  };

  struct Section {
    const TemplateToken* token;
    size_t step;
    Meaning meaning;
    bool inverted() const { return token->kind == Kind::kInverted; }
  };

  absl::Status Error(const TemplateToken& token, std::string_view message) const {
    return TemplateError(out_.field_, token.position, message);
  }

  void AddLiteral(const TemplateToken& token) {
    const size_t offset = out_.literals_.size();
    AppendValue(token.text, /*html=*/false, &out_.literals_);
    position_.Feed(token.text);
    const uint32_t length = static_cast<uint32_t>(out_.literals_.size() - offset);
    // One step for what a comment had cut in two, but no jump may end inside it.
    if (joinable_ && !out_.steps_.empty() && out_.steps_.back().kind == Step::Kind::kLiteral) {
      out_.steps_.back().b += length;
    } else {
      out_.steps_.push_back({Step::Kind::kLiteral, static_cast<uint32_t>(offset), length});
    }
    joinable_ = true;
  }

  absl::Status OpenSection(const TemplateToken& token) {
    if (open_.size() >= static_cast<size_t>(kTemplateDepthMax)) {
      return Error(token, absl::StrCat("sections are nested more than ", kTemplateDepthMax, " deep"));
    }
    Section section{&token, out_.steps_.size(), {}};
    ASSIGN_OR_RETURN(section.meaning, Resolve(token));
    const bool inverted = section.inverted();
    if (section.meaning.string_column.has_value()) {
      const uint32_t column = *section.meaning.string_column;
      out_.steps_.push_back({inverted ? Step::Kind::kInverted : Step::Kind::kSection, column, 0});
      out_.optional_[column] = true;
    } else {
      if (section.meaning.name.column != Name::kNoColumn) out_.optional_[section.meaning.name.column] = true;
      AddNameStep(inverted ? Step::Kind::kNameInverted : Step::Kind::kNameSection, section.meaning.name);
      depth_in_json_ += !inverted;
    }
    open_.push_back(std::move(section));
    return absl::OkStatus();
  }

  absl::Status CloseSection(const TemplateToken& token) {
    if (open_.empty()) return Error(token, absl::StrCat(TagText(token), " closes a section that is not open"));
    const Section& section = open_.back();
    if (section.token->text != token.text) {
      return Error(token, absl::StrCat(TagText(token), " stands where ", TagText(*section.token), " of line ",
                                       section.token->position.line, " has to be closed first"));
    }
    if (!section.meaning.string_column.has_value() && !section.inverted()) {
      out_.steps_.push_back({Step::Kind::kNameClose, 0, static_cast<uint32_t>(section.step + 1)});
      --depth_in_json_;
    }
    out_.steps_[section.step].b = static_cast<uint32_t>(out_.steps_.size());
    open_.pop_back();
    joinable_ = false;
    return absl::OkStatus();
  }

  absl::Status AddVariable(const TemplateToken& token) {
    if (escape_ == Template::Escape::kHtml) RETURN_IF_ERROR(CheckPlace(out_.field_, token, position_));
    ASSIGN_OR_RETURN(Meaning meaning, Resolve(token));
    const bool escaped = token.kind == Kind::kVariable && escape_ == Template::Escape::kHtml;
    if (!meaning.string_column.has_value()) {
      if (meaning.name.column != Name::kNoColumn) Use(token, meaning.name.column, /*guarded=*/depth_in_json_ > 0);
      AddNameStep(escaped ? Step::Kind::kNameEscaped : Step::Kind::kNameRaw, std::move(meaning.name));
      return absl::OkStatus();
    }
    bool guarded = false;  // by a section of its own name, so that it is never rendered without a value
    for (const Section& section : open_) {
      guarded |= !section.inverted() && section.meaning.string_column == meaning.string_column;
    }
    Use(token, *meaning.string_column, guarded);
    out_.steps_.push_back({escaped ? Step::Kind::kEscaped : Step::Kind::kRaw, *meaning.string_column, 0});
    return absl::OkStatus();
  }

  void Use(const TemplateToken& token, uint32_t column, bool guarded) {
    if (guarded) {
      out_.optional_[column] = true;
    } else if (!out_.needed_[column]) {
      out_.needed_[column] = true;
      if (!IsJson(column)) out_.needed_strings_.push_back({column, columns_.names[column], token.position});
    }
  }

  void AddNameStep(Step::Kind kind, Name name) {
    out_.steps_.push_back({kind, static_cast<uint32_t>(out_.names_.size()), 0});
    out_.names_.push_back(std::move(name));
  }

  bool IsJson(uint32_t column) const { return column < columns_.json.size() && columns_.json[column]; }

  std::optional<uint32_t> FindColumn(std::string_view name) const {
    const auto found = column_of_.find(name);
    if (found == column_of_.end()) return std::nullopt;
    return found->second;
  }

  absl::StatusOr<Meaning> Resolve(const TemplateToken& token) {
    Meaning out;
    out.name.position = token.position;
    if (token.text == ".") {
      for (size_t i = open_.size(); i-- > 0;) {
        if (open_[i].inverted()) continue;
        out.string_column = open_[i].meaning.string_column;  // or else the empty path
        return out;
      }
    }
    const bool dotted = token.text != "." && token.text.find('.') != std::string::npos;
    std::optional<uint32_t> column;
    if (!dotted || names_ == Template::Names::kDeclared) column = FindColumn(token.text);
    if (column.has_value() && !IsJson(*column) && depth_in_json_ == 0) {
      out.string_column = column;
      return out;
    }
    out.name.whole = column.has_value();
    if (token.text == "." && !column.has_value()) {
      return Error(token, absl::StrCat(TagText(token), " stands outside a section; write the name of a column"));
    }
    out.name.path = dotted ? absl::StrSplit(token.text, '.') : std::vector<std::string>{token.text};
    if (!column.has_value()) {
      if (std::any_of(out.name.path.begin(), out.name.path.end(), [](const auto& part) { return part.empty(); })) {
        return Error(token, absl::StrCat(TagText(token), " is not a name; a dot has a name on both sides"));
      }
      if (dotted) column = FindColumn(out.name.path[0]);
      ASSIGN_OR_RETURN(column, CheckColumn(token, column, dotted));
    }
    if (column.has_value()) {
      out.name.column = *column;
      out.name.column_is_json = IsJson(*column);
    }
    return out;
  }

  // Of a name that is no column as a whole: whether its first part can be one. Inside a section over JSON it need not,
  // nor where all names are allowed.
  absl::StatusOr<std::optional<uint32_t>> CheckColumn(const TemplateToken& token, std::optional<uint32_t> column,
                                                      bool dotted) const {
    const bool json = column.has_value() && IsJson(*column);
    if (json) return column;
    const std::string instead = InsteadOfHandlebars(token);
    if (names_ == Template::Names::kDeclared && !instead.empty()) return Error(token, instead);
    if (depth_in_json_ > 0 || names_ == Template::Names::kAsPublished) return std::optional<uint32_t>();
    if (dotted && column.has_value()) {
      return Error(token, absl::StrCat(TagText(token), " looks into the column '", columns_.names[*column],
                                       "', which is not declared as JSON"));
    }
    return Error(token, NotAColumn(token, columns_.names));
  }

  const TemplateColumns& columns_;
  const Template::Escape escape_;
  const Template::Names names_;
  std::map<std::string_view, uint32_t> column_of_;
  Template out_;
  std::vector<Section> open_;
  int depth_in_json_ = 0;  // how many of open_ push what is looked up while rendering
  bool joinable_ = false;  // the last literal may be added to
  HtmlPosition position_;
};

absl::StatusOr<Template> Template::Compile(std::string_view field, const std::vector<TemplateToken>& tokens,
                                           const TemplateColumns& columns, Escape escape, Names names) {
  return TemplateCompiler(field, columns, escape, names).Run(tokens);
}

absl::StatusOr<Template> Template::Compile(std::string_view field, const std::vector<TemplateToken>& tokens,
                                           const std::vector<std::string>& columns, Escape escape) {
  return Compile(field, tokens, TemplateColumns{columns, {}}, escape);
}

absl::StatusOr<Template> Template::Compile(std::string_view field, std::string_view text,
                                           const TemplateColumns& columns, Escape escape, Names names) {
  ASSIGN_OR_RETURN(const std::vector<TemplateToken> tokens, TokenizeTemplate(field, text));
  return Compile(field, tokens, columns, escape, names);
}

absl::StatusOr<Template> Template::Compile(std::string_view field, std::string_view text,
                                           const std::vector<std::string>& columns, Escape escape) {
  return Compile(field, text, TemplateColumns{columns, {}}, escape);
}

}  // namespace wavepost
