#include "common/content/template_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kNameShownBytesMax = 40;

// What a byte offset is for people: characters from 1.
size_t CharacterOf(std::string_view text, size_t offset) {
  size_t characters = 1;
  for (char c : text.substr(0, offset)) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return characters;
}

}  // namespace

// Builds the tree from nlohmann's events; each returns whether to go on. Its names are the library's.
class TemplateJsonReader {
 public:
  explicit TemplateJsonReader(const TemplateJsonLimits& limits) : limits_(limits) {}

  bool null() { return Add(TemplateValue::Kind::kNull, "") != nullptr; }
  bool boolean(bool value) {
    return Add(value ? TemplateValue::Kind::kTrue : TemplateValue::Kind::kFalse, value ? "true" : "false") != nullptr;
  }
  bool number_integer(int64_t value) { return Add(TemplateValue::Kind::kNumber, absl::StrCat(value)) != nullptr; }
  bool number_unsigned(uint64_t value) { return Add(TemplateValue::Kind::kNumber, absl::StrCat(value)) != nullptr; }
  bool number_float(double, const std::string& written) {
    return Add(TemplateValue::Kind::kNumber, written) != nullptr;
  }
  bool string(std::string& value) { return Add(TemplateValue::Kind::kString, std::move(value)) != nullptr; }
  bool binary(std::vector<uint8_t>&) { return false; }  // not in JSON
  bool start_array(size_t) { return Open(TemplateValue::Kind::kList); }
  bool end_array() {
    open_.pop_back();
    return true;
  }
  bool start_object(size_t) { return Open(TemplateValue::Kind::kObject); }
  bool key(std::string& name) {
    open_.back()->names_.push_back(std::move(name));
    return true;
  }
  bool end_object() {
    TemplateValue* object = open_.back();
    open_.pop_back();
    return SortNames(object);
  }
  bool parse_error(size_t offset, const std::string&, const nlohmann::json::exception& error) {
    offset_ = offset;
    // The library's own words quote the text, which may be personal.
    wrong_ = error.id == 406 ? "a number is too large" : "is not JSON";
    return false;
  }

  const std::string& wrong() const { return wrong_; }
  size_t offset() const { return offset_; }
  TemplateValue Take() { return std::move(root_); }

 private:
  TemplateValue* Add(TemplateValue::Kind kind, std::string text) {
    if (++values_ > limits_.values_max) {
      wrong_ = absl::StrCat("has more than ", limits_.values_max, " values in it");
      return nullptr;
    }
    TemplateValue* value = &root_;
    if (!open_.empty()) value = &open_.back()->items_.emplace_back();
    value->kind_ = kind;
    value->text_ = std::move(text);
    return value;
  }

  // The pointers stay good: while a list is open, nothing is added to the one around it.
  bool Open(TemplateValue::Kind kind) {
    if (open_.size() >= static_cast<size_t>(limits_.depth_max)) {
      wrong_ = absl::StrCat("nests lists and objects more than ", limits_.depth_max, " deep");
      return false;
    }
    TemplateValue* value = Add(kind, "");
    if (value != nullptr) open_.push_back(value);
    return value != nullptr;
  }

  bool SortNames(TemplateValue* object) {
    std::vector<size_t> order(object->names_.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return object->names_[a] < object->names_[b]; });
    std::vector<std::string> names;
    std::vector<TemplateValue> items;
    names.reserve(order.size());
    items.reserve(order.size());
    for (size_t i : order) {
      if (!names.empty() && names.back() == object->names_[i]) {
        wrong_ = absl::StrCat("\"", Printable(names.back(), kNameShownBytesMax), "\" is there twice in one object");
        return false;
      }
      names.push_back(std::move(object->names_[i]));
      items.push_back(std::move(object->items_[i]));
    }
    object->names_ = std::move(names);
    object->items_ = std::move(items);
    return true;
  }

  const TemplateJsonLimits& limits_;
  TemplateValue root_;
  std::vector<TemplateValue*> open_;
  size_t values_ = 0;
  std::string wrong_;
  size_t offset_ = 0;
};

bool HasValue(std::string_view value) {
  return value.find_first_not_of(" \t\r\n\f\v") != std::string_view::npos;
}

const TemplateValue* TemplateValue::Find(std::string_view name) const {
  const auto found = std::lower_bound(names_.begin(), names_.end(), name);
  return found == names_.end() || *found != name ? nullptr : &items_[found - names_.begin()];
}

bool TemplateValue::IsTrue() const {
  switch (kind_) {
    case Kind::kNull:
    case Kind::kFalse:
      return false;
    case Kind::kString:
      return HasValue(text_);
    case Kind::kList:
      return !items_.empty();
    default:
      return true;
  }
}

absl::StatusOr<TemplateValue> ParseTemplateJson(std::string_view json, const TemplateJsonLimits& limits) {
  if (json.size() > limits.bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", json.size(), " bytes of JSON; at most ", limits.bytes_max, " are allowed"));
  }
  if (!IsUtf8(json)) return absl::InvalidArgumentError("is not valid UTF-8");
  if (!HasValue(json)) return TemplateValue();
  if (json.find('\0') != std::string_view::npos) {  // which the library takes for the end
    return absl::InvalidArgumentError("is not JSON: it has a NUL in it");
  }
  TemplateJsonReader reader(limits);
  if (nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) return reader.Take();
  if (reader.offset() == 0) return absl::InvalidArgumentError(reader.wrong());
  return absl::InvalidArgumentError(
      absl::StrCat(reader.wrong(), ", at character ", CharacterOf(json, reader.offset() - 1)));
}

}  // namespace wavepost
