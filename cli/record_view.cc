#include "cli/record_view.h"

#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "cli/format.h"
#include "cli/zone.h"
#include "common/base/strings.h"

namespace wavepost::cli {
namespace {

constexpr size_t kDataBytesMax = 65535;  // a record has no more: it is never cut
constexpr size_t kFoundMax = 10;
constexpr size_t kStateColumns = 9;               // "no answer"
constexpr char kCheckIndent[] = "             ";  // below the second column

struct PurposeWords {
  std::string_view name;
  std::string_view why;
};

PurposeWords WordsFor(v1::DnsRecord::Purpose purpose) {
  switch (purpose) {
    case v1::DnsRecord::DKIM:
      return {"DKIM", "the key that receivers check our signature with"};
    case v1::DnsRecord::SPF:
      return {"SPF", "says that our addresses may send for the domain"};
    case v1::DnsRecord::RETURN_PATH:
      return {"return path", "leads bounces to us under a name of the domain"};
    case v1::DnsRecord::DMARC:
      return {"DMARC", "tells receivers what to do with mail that fails the checks"};
    default:
      return {"other", "asked for by the coordinator"};
  }
}

std::string_view Need(bool required) {
  return required ? "required" : "advised";
}

std::string Clean(const std::string& text) {
  return Printable(text, kDataBytesMax);
}

}  // namespace

std::string_view StateText(v1::RecordCheck::State state) {
  switch (state) {
    case v1::RecordCheck::OK:
      return "OK";
    case v1::RecordCheck::MISSING:
      return "missing";
    case v1::RecordCheck::WRONG:
      return "wrong";
    default:
      return "no answer";
  }
}

std::string RecordsText(const DnsRecords& records) {
  Table table;
  for (const char* title : {"for", "needed", "type", "name", "value"}) table.Column(title);
  Table reasons;
  reasons.Column("");
  reasons.Column("");
  std::set<std::string_view> explained;
  for (const v1::DnsRecord& record : records) {
    const PurposeWords words = WordsFor(record.purpose());
    table.Row({std::string(words.name), std::string(Need(record.required())), Clean(record.type()),
               Clean(record.owner()), Clean(record.data())});
    if (explained.insert(words.name).second) {
      reasons.Row({std::string(words.name), std::string(words.why)});
    }
  }
  if (records.empty()) return "";
  return absl::StrCat(table.ToString("  "), "\n", reasons.ToString("  "));
}

std::string RecordsZone(const DnsRecords& records) {
  std::string out;
  for (const v1::DnsRecord& record : records) {
    const PurposeWords words = WordsFor(record.purpose());
    absl::StrAppend(&out, "; ", Av(words.name), ", ", Av(Need(record.required())), ": ", Av(words.why), "\n",
                    ZoneLine(record));
  }
  return out;
}

std::string ChecksText(const RecordChecks& checks, size_t columns) {
  std::string out;
  Table heads;
  for (int i = 0; i < 4; ++i) heads.Column("");
  for (const v1::RecordCheck& check : checks) {
    const v1::DnsRecord& record = check.record();
    std::string purpose(WordsFor(record.purpose()).name);
    if (!record.required()) purpose += " (advised)";
    std::string state(StateText(check.state()));
    state.resize(kStateColumns, ' ');
    heads.Row({state, purpose, Clean(record.type()), Clean(record.owner())});
  }
  const std::string table = heads.ToString("  ");
  std::string_view lines = table;
  for (const v1::RecordCheck& check : checks) {
    const size_t end = lines.find('\n') + 1;
    out += lines.substr(0, end);
    lines.remove_prefix(end);
    if (check.state() == v1::RecordCheck::OK && check.advice().empty()) continue;
    size_t shown = 0;
    for (const std::string& found : check.found()) {
      if (++shown > kFoundMax) break;
      out += Wrap("found " + Clean(found), columns, kCheckIndent);
    }
    out += Wrap(Clean(check.advice()), columns, kCheckIndent);
  }
  return out;
}

int RequiredNotOk(const RecordChecks& checks) {
  int count = 0;
  for (const v1::RecordCheck& check : checks) {
    if (check.record().required() && check.state() != v1::RecordCheck::OK) ++count;
  }
  return count;
}

}  // namespace wavepost::cli
