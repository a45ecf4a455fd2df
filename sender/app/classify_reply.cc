#include "sender/app/classify_reply.h"

#include <array>
#include <istream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string_view>

#include "absl/time/time.h"
#include "common/base/strings.h"
#include "common/smtp/classify.h"
#include "common/smtp/reply.h"
#include "sender/sites/provider_book.h"
#include "wavepost/v1/outcomes.pb.h"

namespace wavepost {
namespace {

using nlohmann::json;

std::optional<Phase> PhaseOf(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Phase::kQuit); ++i) {
    if (PhaseName(static_cast<Phase>(i)) == name) return static_cast<Phase>(i);
  }
  // As people and logs name the commands.
  const std::string lower = AsciiLower(name);
  if (lower == "helo" || lower == "lhlo") return Phase::kEhlo;
  if (lower == "mail from") return Phase::kMail;
  if (lower == "rcpt to") return Phase::kRcpt;
  if (lower == "end of data" || lower == "." || lower == "bdat") return Phase::kEndOfData;
  for (int i = 0; i <= static_cast<int>(Phase::kQuit); ++i) {
    if (PhaseName(static_cast<Phase>(i)) == lower) return static_cast<Phase>(i);
  }
  return std::nullopt;
}

std::string ReasonName(v1::Reason reason) {
  return reason == v1::REASON_UNSPECIFIED ? "none" : AsciiLower(v1::Reason_Name(reason));
}

std::string_view FaultName(v1::Fault fault) {
  switch (fault) {
    case v1::RECIPIENT:
      return "recipient";
    case v1::SENDER:
      return "sender";
    case v1::CONTENT_FAULT:
      return "content";
    case v1::NETWORK_FAULT:
      return "network";
    default:
      return "none";
  }
}

std::string_view ScopeName(Verdict::Scope scope) {
  switch (scope) {
    case Verdict::Scope::kRecipient:
      return "recipient";
    case Verdict::Scope::kMessage:
      return "message";
    case Verdict::Scope::kSite:
      return "site";
    case Verdict::Scope::kEgressIp:
      return "egress_ip";
  }
  return "recipient";
}

ProviderBook::Judgement Judge(const ProviderBook& book, std::string_view provider, std::string_view text, Phase phase) {
  const std::optional<Reply> reply = ReplyFromText(text);
  if (!reply) return {ClassifyLocalError(text), nullptr};
  return book.Judge(provider, *reply, phase);
}

std::string RuleName(const ProviderBook::Judgement& judgement, std::string_view provider) {
  std::string name;
  if (judgement.rule != nullptr) name.append(provider).append("/");
  return name.append(judgement.verdict.rule);
}

// For people.
std::string Sentence(const ProviderBook::Judgement& judgement, std::string_view provider) {
  const Verdict& verdict = judgement.verdict;
  if (verdict.kind == Verdict::Kind::kAccepted) return "Accepted.";
  static constexpr std::array<std::string_view, 4> kReach = {
      "this recipient", "this message", "everything for this site", "everything from this egress IP at this site"};
  std::string out = verdict.kind == Verdict::Kind::kPermanent ? "Permanent" : "Temporary";
  out += verdict.reason == v1::REASON_UNSPECIFIED ? ", for no known reason" : ": " + ReasonName(verdict.reason);
  out += ". ";
  out += verdict.fault == v1::FAULT_UNSPECIFIED ? "It blames nobody"
                                                : "It blames the " + std::string(FaultName(verdict.fault));
  out += " and concerns ";
  out += kReach[static_cast<size_t>(verdict.scope)];
  out += ".";
  if (verdict.kind == Verdict::Kind::kPermanent) {
    out += " The bounce is " + AsciiLower(v1::BounceClass_Name(BounceClassOf(verdict))) + ".";
  }
  if (verdict.too_many_connections) {
    out += " We should hold fewer connections.";
  } else if (verdict.throttled) {
    out += " We should slow down.";
  }
  if (verdict.retry_hint) out += " It asks us to come back in " + absl::FormatDuration(*verdict.retry_hint) + ".";
  if (judgement.rule != nullptr && judgement.rule->action != ReplyAction::kNone) {
    out += " Action: " + std::string(ReplyActionName(judgement.rule->action));
    if (judgement.rule->recovery > absl::ZeroDuration()) {
      out += " for " + absl::FormatDuration(judgement.rule->recovery);
    }
    out += ".";
  }
  return out + " (rule " + RuleName(judgement, provider) + ")";
}

// Reads one line without its end. False at the end of the input. A longer line is cut and *too_long set.
bool ReadLine(std::istream& in, std::string* line, bool* too_long) {
  line->clear();
  *too_long = false;
  bool any = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    any = true;
    if (c == '\n') return true;
    if (line->size() < kClassifyLineBytesMax) {
      line->push_back(static_cast<char>(c));
    } else {
      *too_long = true;
    }
  }
  return any;
}

// A text member; nothing if it is absent or null. False if it is something else.
bool TextMember(const json& object, const char* key, std::string* out) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return true;
  if (!found->is_string()) return false;
  *out = found->get<std::string>();
  return true;
}

// One line in, one line out; what is wrong with it otherwise.
std::string JudgeLine(const ProviderBook& book, const ClassifyReplyOptions& options, Phase phase,
                      const std::string& line, std::ostream& out) {
  const json row = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!row.is_object()) return "not a JSON object";
  const char* key = row.contains("id") ? "id" : "path";
  const auto id = row.find(key);
  if (id == row.end() || !id->is_primitive()) return "has neither \"id\" nor \"path\"";
  std::string reply;
  std::string command;
  std::string provider = options.provider;
  if (!row.contains("reply") || !TextMember(row, "reply", &reply)) return "has no \"reply\"";
  if (!TextMember(row, "command", &command) || !TextMember(row, "provider", &provider)) {
    return "\"command\" and \"provider\" must be texts";
  }
  const ProviderBook::Judgement judgement = Judge(book, provider, reply, PhaseOf(command).value_or(phase));
  const Verdict& verdict = judgement.verdict;
  nlohmann::ordered_json answer;
  answer[key] = *id;
  answer["class"] = BounceClassOf(verdict) == v1::HARD ? "hard" : "soft";
  answer["reason"] = ReasonName(verdict.reason);
  answer["fault"] = FaultName(verdict.fault);
  answer["scope"] = ScopeName(verdict.scope);
  answer["rule"] = RuleName(judgement, provider);
  out << answer.dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
  return "";
}

}  // namespace

int RunClassifyReply(const ClassifyReplyOptions& options, std::istream& in, std::ostream& out, std::ostream& err) {
  std::shared_ptr<const ProviderBook> book = ProviderBook::BuiltIn();
  if (!options.providers_file.empty()) {
    auto loaded = ProviderBook::Load(options.providers_file);
    if (!loaded.ok()) {
      err << loaded.status().message() << "\n";
      return 2;
    }
    book = *std::move(loaded);
  }
  const std::optional<Phase> phase = PhaseOf(options.phase);
  if (!phase) {
    err << "no such phase: " << options.phase
        << "; known: connect, greeting, ehlo, starttls, mail, rcpt, data, end_of_data, rset, quit\n";
    return 2;
  }
  if (!options.provider.empty() && book->Find(options.provider) == nullptr) {
    err << "no such provider: " << options.provider << "\n";
    return 2;
  }
  std::string line;
  bool too_long = false;
  if (!options.jsonl) {
    std::string text = options.text;
    while (text.size() < kClassifyLineBytesMax && options.text.empty() && ReadLine(in, &line, &too_long)) {
      text += line + "\n";
    }
    if (text.find_first_not_of(" \r\n\t") == std::string::npos) {
      err << "no text to classify\n";
      return 2;
    }
    out << Sentence(Judge(*book, options.provider, text, *phase), options.provider) << "\n";
    return 0;
  }
  int exit_code = 0;
  for (size_t number = 1; ReadLine(in, &line, &too_long); ++number) {
    if (!too_long && line.find_first_not_of(" \r\t") == std::string::npos) continue;
    const std::string problem = too_long ? "is longer than 64 KiB" : JudgeLine(*book, options, *phase, line, out);
    if (problem.empty()) continue;
    err << "line " << number << ": " << problem << "\n";
    exit_code = 1;
  }
  return exit_code;
}

int RunCheckProviders(const std::string& path, std::ostream& out, std::ostream& err) {
  const auto book = ProviderBook::Load(path);
  if (!book.ok()) {
    err << book.status().message() << "\n";
    return 2;
  }
  out << path << ": ok, " << (*book)->providers() << " providers, " << (*book)->rules() << " reply rules\n";
  return 0;
}

}  // namespace wavepost
