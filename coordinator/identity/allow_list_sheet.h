// Writes the allow-list sheet: facts into the templates of sheet/. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/identity/allow_list_facts.h"

namespace wavepost {

enum class SheetLanguage { kEnglish, kGerman };
enum class SheetFormat { kMarkdown, kHtml };

// UTF-8 with LF line ends. The HTML is one page without scripts and without anything from elsewhere, fit for printing.
// Every value is escaped for the place that it stands in. Errors: kResourceExhausted (larger than a template may get).
absl::StatusOr<std::string> WriteAllowListSheet(const AllowListFacts& facts, SheetLanguage language,
                                                SheetFormat format);

}  // namespace wavepost
