// wavepost audit: the accounting law of a campaign, checked recipient by recipient, alone or against a receiver's
// ledger.
#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/audit_writer.h"
#include "cli/books.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/ledger.h"
#include "cli/listing.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::CampaignService::Stub;

constexpr absl::Duration kAuditTimeout = absl::Minutes(30);  // a recount of many millions takes its time

struct AuditArgs {
  std::string campaign;
  std::string ledger;
  bool summary = false;
  bool recipients = false;
};

absl::StatusOr<std::vector<v1::AuditWaveResponse>> AuditWaves(const Cli& cli, const std::vector<v1::Wave>& waves) {
  const auto stub = v1::CampaignService::NewStub(cli.channel());
  std::vector<v1::AuditWaveResponse> audits;
  for (const v1::Wave& wave : waves) {
    v1::AuditWaveRequest request;
    request.set_name(wave.name());
    ASSIGN_OR_RETURN(v1::AuditWaveResponse response, Call(cli, *stub, &Stub::AuditWave, request, kAuditTimeout));
    audits.push_back(std::move(response));
  }
  return audits;
}

absl::StatusOr<std::optional<Ledger>> ReadLedger(const std::string& path) {
  if (path.empty()) return std::optional<Ledger>();
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return FileError(absl::NotFoundError(absl::StrCat("--ledger ", path, ": no such file, or it cannot be read")));
  }
  std::optional<Ledger> ledger(std::in_place);
  RETURN_IF_ERROR(Annotate(ledger->Read(&in), "--ledger " + path));
  return ledger;
}

absl::StatusOr<ExitCode> Audit(Cli& cli, const AuditArgs& args) {
  ASSIGN_OR_RETURN(const std::string campaign, CampaignName(args.campaign, cli.options.tenant));
  ASSIGN_OR_RETURN(const std::vector<v1::Wave> waves, ListWaves(cli, campaign));
  if (waves.empty()) return absl::NotFoundError(absl::StrCat(Leaf(campaign), ": has no wave"));
  // The books may move while they are read: the coordinator's recount before and after tells.
  ASSIGN_OR_RETURN(const auto before, AuditWaves(cli, waves));
  ASSIGN_OR_RETURN(std::optional<Ledger> ledger, ReadLedger(args.ledger));

  const bool list = cli.options.json ? !args.summary : args.recipients;
  AuditWriter writer(&cli.out(), cli.options.json);
  writer.Begin(campaign, list);
  std::vector<v1::WaveCounts> listed(waves.size());
  for (size_t i = 0; i < waves.size(); ++i) {
    // A campaign without listing and ledger is still counted: that is what an audit is.
    RETURN_IF_ERROR(ForEachRecipient(cli, waves[i].name(), {}, [&](const v1::Recipient& recipient) {
      CountRecipient(recipient, &listed[i]);
      if (ledger.has_value()) ledger->Compare(recipient);
      if (list) writer.Add(recipient);
      if (!cli.out().good())
        return absl::DataLossError("cannot write the result; is the disk full, or the reader gone?");
      return absl::OkStatus();
    }));
  }
  if (ledger.has_value()) ledger->Finish();
  ASSIGN_OR_RETURN(const auto after, AuditWaves(cli, waves));

  Books books;
  for (size_t i = 0; i < waves.size(); ++i) AddWave(Leaf(waves[i].name()), before[i], listed[i], after[i], &books);
  if (books.moved) cli.err() << "wavepost: the books moved while they were read; run it again when sending has ended\n";
  writer.End(books, ledger.has_value() ? &*ledger : nullptr);
  const bool good = books.balanced && (!ledger.has_value() || ledger->mismatch_count() == 0);
  return good ? ExitCode::kOk : ExitCode::kUnbalanced;
}

}  // namespace

void AddAudit(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<AuditArgs>();
  CLI::App* cmd = app.add_subcommand("audit", "Check that every recipient of a campaign has exactly one outcome");
  cmd->add_option("campaign", args->campaign, "CAMPAIGN or full name")->required();
  auto* summary = cmd->add_flag("--summary", args->summary, "With --json: leave the recipients out");
  cmd->add_flag("--recipients", args->recipients, "Without --json: list every recipient, too")->excludes(summary);
  cmd->add_option("--ledger", args->ledger, "Compare with the receivers' ledger (JSON lines of wavepost-testnet)");
  cmd->footer(
      "The law: accepted = delivered + bounced + expired + suppressed + capped + cancelled + open. The coordinator "
      "recounts\n"
      "its recipients, and so does this command. With --ledger each recipient is held against what the receivers "
      "took:\n"
      "delivered means taken exactly once, any other outcome means never, unless a later report bounced it.\n"
      "Exit code 0 only if all of it holds, otherwise 5.\n\nExample:\n"
      "  wavepost audit spring\n"
      "  wavepost audit spring --json --ledger ledger.jsonl | jq 'del(.recipients)'");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Audit(cli, *args); }; });
}

}  // namespace wavepost::cli
