#include "common/content/template.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/content/name_hint.h"
#include "common/content/value_text.h"

namespace wavepost {
namespace {

absl::Status NeedsValue(std::string_view name, std::string_view field, TemplatePosition position,
                        std::string_view hint = "") {
  return absl::InvalidArgumentError(absl::StrCat("'", Printable(name), "' has no value, and ", Av(field), ":",
                                                 position.line, ":", position.column, " needs one", Av(hint)));
}

}  // namespace

// One run over the steps for one row: renders or, without `out`, checks.
class TemplateRenderer {
 public:
  TemplateRenderer(const Template& compiled, const TemplateRow& row, std::string* out)
      : template_(compiled), values_(*row.values), trees_(row.trees), out_(out) {}

  absl::Status Run() {
    using Kind = Template::Step::Kind;
    const size_t start = out_ == nullptr ? 0 : out_->size();
    const std::vector<Template::Step>& steps = template_.steps_;
    for (size_t i = 0; i < steps.size();) {
      const Template::Step& step = steps[i++];
      switch (step.kind) {
        case Kind::kLiteral:
          if (out_ != nullptr) out_->append(template_.literals_, step.a, step.b);
          break;
        case Kind::kEscaped:
        case Kind::kRaw:
          if (out_ != nullptr) AppendValue(values_[step.a], step.kind == Kind::kEscaped, out_);
          break;
        case Kind::kSection:
          if (!HasValue(values_[step.a])) i = step.b;
          break;
        case Kind::kInverted:
          if (HasValue(values_[step.a])) i = step.b;
          break;
        default:
          i = NameStep(step, i);
          RETURN_IF_ERROR(problem_);
          if (++work_ > kRenderStepsMax) {
            return absl::ResourceExhaustedError(absl::StrCat("the lists in the template repeat it beyond ",
                                                             kRenderStepsMax, " steps; make them or it shorter"));
          }
      }
      if (out_ != nullptr && out_->size() - start > kRenderedBytesMax) {
        return absl::ResourceExhaustedError(
            absl::StrCat("the rendered template has more than ", kRenderedBytesMax, " bytes"));
      }
    }
    return absl::OkStatus();
  }

 private:
  static constexpr int kColumn = -1;
  static constexpr int kNowhere = -2;

  // What a name was found to be: a node, or a string column's value. Neither: it has no value.
  struct Found {
    const TemplateValue* node = nullptr;
    std::string_view string;
    int where = kNowhere;  // index in frames_ of the section that has it, or kColumn

    std::string_view text() const { return node == nullptr ? string : std::string_view(node->text()); }
    bool IsTrue() const { return node == nullptr ? HasValue(string) : node->IsTrue(); }
  };

  // A section that names are looked up in.
  struct Frame {
    uint32_t name = 0;
    Found list;  // what the section's name is
    Found here;  // the list's element, or `list` itself if it is none
    size_t index = 0;
  };

  // Takes a step over a name; returns the next one, unless there is a problem_.
  size_t NameStep(const Template::Step& step, size_t next) {
    using Kind = Template::Step::Kind;
    if (step.kind == Kind::kNameClose) {
      Frame& frame = frames_.back();
      if (frame.list.node != nullptr && frame.list.node->is_list() && ++frame.index < frame.list.node->items().size()) {
        frame.here.node = &frame.list.node->items()[frame.index];
        return step.b;
      }
      frames_.pop_back();
      return next;
    }
    const Found found = Lookup(template_.names_[step.a]);
    switch (step.kind) {
      case Kind::kNameSection: {
        if (!found.IsTrue()) return step.b;
        Frame frame{step.a, found, found, 0};
        if (found.node != nullptr && found.node->is_list()) frame.here.node = &found.node->items()[0];
        frames_.push_back(frame);
        break;
      }
      case Kind::kNameInverted:
        return found.IsTrue() ? step.b : next;
      default:
        if (out_ != nullptr) {
          AppendValue(found.text(), step.kind == Kind::kNameEscaped, out_);
        } else {
          CheckVariable(template_.names_[step.a], found);
        }
    }
    return next;
  }

  Found Lookup(const Template::Name& name) {
    if (name.path.empty()) {
      Found top = frames_.back().here;
      top.where = static_cast<int>(frames_.size()) - 1;
      return top;
    }
    for (size_t i = frames_.size(); i-- > 0;) {
      ++work_;
      const TemplateValue* node = frames_[i].here.node;
      const TemplateValue* first = node == nullptr ? nullptr : node->Find(name.path[0]);
      if (first != nullptr) return {Walk(first, name, 1), {}, static_cast<int>(i)};
    }
    if (name.column == Template::Name::kNoColumn) return {};
    if (!name.column_is_json) return {nullptr, values_[name.column], kColumn};
    if (trees_ == nullptr) return {nullptr, {}, kColumn};
    return {Walk(&(*trees_)[name.column], name, name.whole ? name.path.size() : 1), {}, kColumn};
  }

  static const TemplateValue* Walk(const TemplateValue* node, const Template::Name& name, size_t from) {
    for (size_t i = from; i < name.path.size() && node != nullptr; ++i) node = node->Find(name.path[i]);
    return node;
  }

  void CheckVariable(const Template::Name& name, const Found& found) {
    if (HasValue(found.text())) return;
    int where = found.where;
    if (where == kNowhere) {  // most likely it should have been in the innermost object
      where = static_cast<int>(frames_.size()) - 1;
      for (int i = where; i >= 0; --i) {
        if (frames_[i].here.node == nullptr || frames_[i].here.node->kind() != TemplateValue::Kind::kObject) continue;
        where = i;
        break;
      }
    }
    const std::string shown = PathOf(name, where);
    if (found.node != nullptr && (found.node->is_list() || found.node->kind() == TemplateValue::Kind::kObject)) {
      const char* what = found.node->is_list() ? "a list" : "an object";
      problem_ = absl::InvalidArgumentError(
          absl::StrCat("'", Printable(shown), "' is ", what, ", and ", template_.field_, ":", name.position.line, ":",
                       name.position.column, " needs one value; use a section there, or a dot and a name"));
      return;
    }
    std::string hint;
    if (found.where == kNowhere && where >= 0 && frames_[where].here.node != nullptr && name.path.size() == 1) {
      const auto meant = NearestName(name.path[0], frames_[where].here.node->names());
      if (meant.has_value()) hint = absl::StrCat("; did you mean '", Printable(*meant, kTemplateNameBytesMax), "'?");
    }
    problem_ = NeedsValue(shown, template_.field_, name.position, hint);
  }

  // "people[2].name", for a name that was found in a section or a column.
  std::string PathOf(const Template::Name& name, int where) const {
    std::string around;
    if (where >= 0) {
      const Frame& frame = frames_[where];
      around = PathOf(template_.names_[frame.name], frame.list.where);
      if (frame.list.node != nullptr && frame.list.node->is_list()) absl::StrAppend(&around, "[", frame.index, "]");
    }
    return absl::StrCat(around, around.empty() || name.path.empty() ? "" : ".", absl::StrJoin(name.path, "."));
  }

  const Template& template_;
  const std::vector<std::string>& values_;
  const std::vector<TemplateValue>* trees_;
  std::string* out_;
  std::vector<Frame> frames_;  // outermost first
  size_t work_ = 0;
  absl::Status problem_;
};

absl::Status Template::Render(const TemplateRow& row, std::string* out) const {
  return TemplateRenderer(*this, row, out).Run();
}

absl::Status Template::Check(const TemplateRow& row) const {
  for (const Needed& needed : needed_strings_) {
    if (!HasValue((*row.values)[needed.column])) return NeedsValue(needed.name, field_, needed.position);
  }
  if (names_.empty()) return absl::OkStatus();
  return TemplateRenderer(*this, row, nullptr).Run();
}

size_t Template::SizeBound(const std::vector<std::string>& values) const {
  if (uses_json()) return kRenderedBytesMax + 1;
  constexpr size_t kGrowthMax = 6;  // '"' becomes "&quot;"
  size_t bytes = literals_.size();
  for (const Step& step : steps_) {
    const bool variable = step.kind == Step::Kind::kEscaped || step.kind == Step::Kind::kRaw;
    if (variable) bytes += kGrowthMax * values[step.a].size();
  }
  return bytes;
}

}  // namespace wavepost
