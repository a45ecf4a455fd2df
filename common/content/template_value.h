// The value of a JSON column for one recipient: a small tree that sections and dotted names of a template walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wavepost {

struct TemplateJsonLimits {
  size_t bytes_max = 64 << 10;
  int depth_max = 16;         // lists and objects inside each other
  size_t values_max = 4'000;  // in the whole tree: each costs about 100 bytes of memory
};

// True if `value` has more in it than white space. What has no value hides its section and is refused as a variable.
bool HasValue(std::string_view value);

// A value, used like one: copies are deep. Const members may be called from any thread at once.
class TemplateValue {
 public:
  enum class Kind : uint8_t { kNull, kFalse, kTrue, kNumber, kString, kList, kObject };

  TemplateValue() = default;  // null

  Kind kind() const { return kind_; }
  bool is_list() const { return kind_ == Kind::kList; }

  // As it is rendered: a string's characters; a number as it was written, if it has a fraction or an exponent, else its
  // digits; "true" or "false"; empty for all other kinds.
  const std::string& text() const { return text_; }

  // A list's elements, or an object's values in the order of its sorted names.
  const std::vector<TemplateValue>& items() const { return items_; }

  // An object's names, sorted bytewise, parallel to items().
  const std::vector<std::string>& names() const { return names_; }

  // The value of that name, or nullptr: no such name, or not an object.
  const TemplateValue* Find(std::string_view name) const;

  // Whether it shows a section: not null, false, an empty list or a string of white space. 0 and {} do.
  bool IsTrue() const;

 private:
  friend class TemplateJsonReader;

  Kind kind_ = Kind::kNull;
  std::string text_;
  std::vector<TemplateValue> items_;
  std::vector<std::string> names_;
};

// Parses the value of a JSON column (RFC 8259).
//
// On OK:  the tree. Blank text is null: an empty cell has no value.
// Errors: kInvalidArgument that says what is wrong and at which character: not JSON, not UTF-8, a name twice in one
//         object, a number that no double holds, beyond `limits`. Never a part of the text itself.
absl::StatusOr<TemplateValue> ParseTemplateJson(std::string_view json, const TemplateJsonLimits& limits = {});

}  // namespace wavepost
