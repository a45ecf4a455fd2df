#include "common/content/template.h"

#include <array>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/html_position.h"

namespace wavepost {
namespace {

constexpr size_t kColumnsShownMax = 40;

// The columns that exist, for the error about one that does not.
std::string ListColumns(const std::vector<std::string>& columns) {
  if (columns.empty()) return "there are no columns";
  std::string out = "the columns are ";
  for (size_t i = 0; i < columns.size() && i < kColumnsShownMax; ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ", ", Printable(columns[i], kTemplateNameBytesMax));
  }
  if (columns.size() > kColumnsShownMax) absl::StrAppend(&out, " and ", columns.size() - kColumnsShownMax, " more");
  return out;
}

// Bytes of a value that do not go into text, or not into HTML, as they are.
enum : uint8_t { kPlain = 0, kControl = 1, kMarkup = 2 };
constexpr std::array<uint8_t, 256> MakeByteClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 0x20; ++c) classes[c] = kControl;
  classes['\t'] = kPlain;
  classes[0x7F] = kControl;
  for (char c : {'&', '<', '>', '"', '\''}) classes[static_cast<uint8_t>(c)] = kMarkup;
  return classes;
}
constexpr std::array<uint8_t, 256> kByteClasses = MakeByteClasses();

// Appends with line ends as CRLF, other control characters as spaces, and markup as references if `html`.
void AppendValue(std::string_view value, bool html, std::string* out) {
  size_t done = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const uint8_t byte_class = kByteClasses[static_cast<uint8_t>(value[i])];
    if (byte_class == kPlain || (byte_class == kMarkup && !html)) continue;
    out->append(value, done, i - done);
    switch (value[i]) {
      case '&':
        out->append("&amp;");
        break;
      case '<':
        out->append("&lt;");
        break;
      case '>':
        out->append("&gt;");
        break;
      case '"':
        out->append("&quot;");
        break;
      case '\'':
        out->append("&#39;");
        break;
      case '\r':
        if (i + 1 < value.size() && value[i + 1] == '\n') ++i;
        [[fallthrough]];
      case '\n':
        out->append("\r\n");
        break;
      default:
        out->push_back(' ');
    }
    done = i + 1;
  }
  out->append(value, done);
}

std::string TagText(const TemplateToken& token) {
  using Kind = TemplateToken::Kind;
  const char* sigil = "";
  if (token.kind == Kind::kSection) sigil = "#";
  if (token.kind == Kind::kInverted) sigil = "^";
  if (token.kind == Kind::kClose) sigil = "/";
  return absl::StrCat("{{", sigil, token.text, "}}");
}

// What HTML escaping cannot make safe: names of tags and attributes, values without quotes.
absl::Status CheckPlace(std::string_view field, const TemplateToken& token, const HtmlPosition& position) {
  if (token.kind != TemplateToken::Kind::kVariable || position.place() != HtmlPosition::Place::kTag) {
    return absl::OkStatus();
  }
  return TemplateError(
      field, token.position,
      absl::StrCat(TagText(token), " stands inside an HTML tag without quotes; write name=\"", TagText(token), "\""));
}

}  // namespace

bool HasValue(std::string_view value) {
  return value.find_first_not_of(" \t\r\n\f\v") != std::string_view::npos;
}

absl::StatusOr<Template> Template::Compile(std::string_view field, std::string_view text,
                                           const std::vector<std::string>& columns, Escape escape) {
  ASSIGN_OR_RETURN(const std::vector<TemplateToken> tokens, TokenizeTemplate(field, text));
  return Compile(field, tokens, columns, escape);
}

absl::StatusOr<Template> Template::Compile(std::string_view field, const std::vector<TemplateToken>& tokens,
                                           const std::vector<std::string>& columns, Escape escape) {
  using Kind = TemplateToken::Kind;
  std::map<std::string_view, uint32_t> column_of;
  for (size_t i = 0; i < columns.size(); ++i) column_of.emplace(columns[i], static_cast<uint32_t>(i));

  Template out;
  out.needed_.resize(columns.size());
  out.optional_.resize(columns.size());
  struct OpenSection {
    const TemplateToken* token;
    size_t step;
  };
  std::vector<OpenSection> open;
  HtmlPosition position;

  for (const TemplateToken& token : tokens) {
    if (token.kind == Kind::kLiteral) {
      const uint32_t offset = static_cast<uint32_t>(out.literals_.size());
      AppendValue(token.text, /*html=*/false, &out.literals_);
      out.steps_.push_back({Step::Kind::kLiteral, offset, static_cast<uint32_t>(out.literals_.size() - offset)});
      position.Feed(token.text);
      continue;
    }
    if (token.kind == Kind::kClose) {
      if (open.empty()) {
        return TemplateError(field, token.position, absl::StrCat(TagText(token), " closes a section that is not open"));
      }
      if (open.back().token->text != token.text) {
        return TemplateError(field, token.position,
                             absl::StrCat(TagText(token), " stands where ", TagText(*open.back().token), " of line ",
                                          open.back().token->position.line, " has to be closed first"));
      }
      out.steps_[open.back().step].b = static_cast<uint32_t>(out.steps_.size());
      open.pop_back();
      continue;
    }
    const auto found = column_of.find(token.text);
    if (found == column_of.end()) {
      return TemplateError(field, token.position,
                           absl::StrCat(TagText(token), " is not a column; ", ListColumns(columns)));
    }
    const uint32_t column = found->second;
    if (token.kind == Kind::kSection || token.kind == Kind::kInverted) {
      if (open.size() >= static_cast<size_t>(kTemplateDepthMax)) {
        return TemplateError(field, token.position,
                             absl::StrCat("sections are nested more than ", kTemplateDepthMax, " deep"));
      }
      open.push_back({&token, out.steps_.size()});
      out.steps_.push_back({token.kind == Kind::kSection ? Step::Kind::kSection : Step::Kind::kInverted, column, 0});
      out.optional_[column] = true;
      continue;
    }
    if (escape == Escape::kHtml) RETURN_IF_ERROR(CheckPlace(field, token, position));
    bool guarded = false;  // by a section of its own name, so that it is never rendered without a value
    for (const OpenSection& section : open) {
      guarded |= section.token->kind == Kind::kSection && section.token->text == token.text;
    }
    (guarded ? out.optional_ : out.needed_)[column] = true;
    const bool escaped = token.kind == Kind::kVariable && escape == Escape::kHtml;
    out.steps_.push_back({escaped ? Step::Kind::kEscaped : Step::Kind::kRaw, column, 0});
  }
  if (!open.empty()) {
    return TemplateError(field, open.back().token->position,
                         absl::StrCat("the section ", TagText(*open.back().token), " is not closed; write {{/",
                                      open.back().token->text, "}} where it ends"));
  }
  return out;
}

absl::Status Template::Render(const std::vector<std::string>& values, std::string* out) const {
  const size_t start = out->size();
  for (size_t i = 0; i < steps_.size();) {
    const Step& step = steps_[i++];
    switch (step.kind) {
      case Step::Kind::kLiteral:
        out->append(literals_, step.a, step.b);
        break;
      case Step::Kind::kEscaped:
        AppendValue(values[step.a], /*html=*/true, out);
        break;
      case Step::Kind::kRaw:
        AppendValue(values[step.a], /*html=*/false, out);
        break;
      case Step::Kind::kSection:
        if (!HasValue(values[step.a])) i = step.b;
        break;
      case Step::Kind::kInverted:
        if (HasValue(values[step.a])) i = step.b;
        break;
    }
    if (out->size() - start > kRenderedBytesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the rendered template has more than ", kRenderedBytesMax, " bytes"));
    }
  }
  return absl::OkStatus();
}

size_t Template::SizeBound(const std::vector<std::string>& values) const {
  constexpr size_t kGrowthMax = 6;  // '"' becomes "&quot;"
  size_t bytes = literals_.size();
  for (const Step& step : steps_) {
    const bool variable = step.kind == Step::Kind::kEscaped || step.kind == Step::Kind::kRaw;
    if (variable) bytes += kGrowthMax * values[step.a].size();
  }
  return bytes;
}

}  // namespace wavepost
