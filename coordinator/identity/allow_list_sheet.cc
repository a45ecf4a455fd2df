#include "coordinator/identity/allow_list_sheet.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/template.h"
#include "coordinator/identity/sheet_templates.h"
#include "nlohmann/json.hpp"

namespace wavepost {
namespace {

using nlohmann::json;

// One column that holds all: the templates stand inside its section, so that names need no prefix.
constexpr char kColumn[] = "sheet";
constexpr TemplateJsonLimits kLimits{.bytes_max = 4 << 20, .depth_max = 8, .values_max = 100'000};

// A value inside running text of Markdown: nothing in it is a mark.
std::string MarkdownText(std::string_view value) {
  std::string out;
  for (const char c : Printable(value, 4096)) {
    if (absl::ascii_ispunct(static_cast<unsigned char>(c))) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// A value as code. A fence longer than any run of backticks inside keeps it whole (CommonMark 6.1).
std::string MarkdownCode(std::string_view value) {
  const std::string text = Printable(value, 4096);
  size_t longest = 0;
  size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  if (longest == 0) return absl::StrCat("`", text, "`");
  const std::string fence(longest + 1, '`');
  return absl::StrCat(fence, " ", text, " ", fence);
}

class Tree {
 public:
  explicit Tree(SheetFormat format) : html_(format == SheetFormat::kHtml) {}

  // In HTML the template escapes, and its <code> marks.
  json Code(std::string_view value) const { return html_ ? Printable(value, 4096) : MarkdownCode(value); }
  json Text(std::string_view value) const { return html_ ? Printable(value, 4096) : MarkdownText(value); }

  json Codes(const std::vector<std::string>& values) const {
    json out = json::array();
    for (const std::string& value : values) out.push_back({{"value", Code(value)}});
    return out;
  }

  json Of(const AllowListFacts& facts) const {
    json ips = json::array();
    for (const AllowListFacts::Ip& ip : facts.ips) {
      ips.push_back({{"address", Code(ip.address)},
                     {"ehlo", Code(ip.ehlo_name)},
                     {"pool", Code(ip.pool)},
                     {"region", Code(ip.region)}});
    }
    json dkim = json::array();
    for (const AllowListFacts::Dkim& key : facts.dkim) {
      dkim.push_back(
          {{"domain", Code(key.domain)}, {"selector", Code(key.selector)}, {"algorithm", Code(key.algorithm)}});
    }
    std::vector<std::string> return_paths;
    for (const std::string& domain : facts.return_paths) return_paths.push_back(absl::StrCat("b+TOKEN@", domain));
    json out = {{"tenant", Text(facts.tenant)},
                {"date", Text(absl::FormatTime("%Y-%m-%d", facts.made, absl::UTCTimeZone()))},
                {"ips", ips},
                {"has_ips", !facts.ips.empty()},
                {"blocks", Codes(facts.blocks)},
                {"from_addresses", Codes(facts.from_addresses)},
                {"has_from_addresses", !facts.from_addresses.empty()},
                {"from_domains", Codes(facts.from_domains)},
                {"has_from_domains", !facts.from_domains.empty()},
                {"return_paths", Codes(return_paths)},
                {"return_path_domains", Codes(facts.return_paths)},
                {"dkim", dkim},
                {"has_dkim", !facts.dkim.empty()}};
    if (!facts.spf_name.empty()) out["spf"] = Code(facts.spf_name);
    if (!facts.unsubscribe_url.empty()) out["unsubscribe"] = Code(facts.unsubscribe_url);
    return out;
  }

 private:
  const bool html_;
};

std::string_view TemplateOf(SheetLanguage language, SheetFormat format) {
  if (language == SheetLanguage::kGerman) return format == SheetFormat::kHtml ? kSheetDeHtml : kSheetDeMd;
  return format == SheetFormat::kHtml ? kSheetEnHtml : kSheetEnMd;
}

}  // namespace

absl::StatusOr<std::string> WriteAllowListSheet(const AllowListFacts& facts, SheetLanguage language,
                                                SheetFormat format) {
  const TemplateColumns columns{.names = {kColumn}, .json = {true}};
  const auto escape = format == SheetFormat::kHtml ? Template::Escape::kHtml : Template::Escape::kNone;
  ASSIGN_OR_RETURN(const Template compiled, Template::Compile("sheet", TemplateOf(language, format), columns, escape));
  const std::string text = Tree(format).Of(facts).dump(-1, ' ', false, json::error_handler_t::replace);
  ASSIGN_OR_RETURN(TemplateValue tree, ParseTemplateJson(text, kLimits));
  const std::vector<std::string> values(1);
  const std::vector<TemplateValue> trees = {std::move(tree)};
  std::string out;
  RETURN_IF_ERROR(compiled.Render(TemplateRow{.values = &values, .trees = &trees}, &out));
  return absl::StrReplaceAll(out, {{"\r\n", "\n"}});
}

}  // namespace wavepost
