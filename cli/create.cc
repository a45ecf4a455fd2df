// wavepost create: a campaign from content files and a CSV file, ready to start or started.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/call.h"
#include "cli/campaign_options.h"
#include "cli/commands.h"
#include "cli/content_id.h"
#include "cli/csv.h"
#include "cli/format.h"
#include "cli/import.h"
#include "cli/json.h"
#include "cli/names.h"
#include "cli/refusals.h"
#include "cli/upload.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::CampaignService::Stub;

constexpr int kWarningsMax = 20;

struct CreateArgs {
  CampaignOptions campaign;
  std::string csv, id, refused_file;
  std::string address_column = "email";
  std::string wave = "main";
  std::string delimiter = ",";
  bool start = false;
};

struct Source {
  std::ifstream stream;
  int64_t bytes = 0;
  std::unique_ptr<CsvReader> reader;
  std::vector<std::string> columns;
  size_t address_column = 0;
};

absl::Status OpenCsv(const CreateArgs& args, Source* source) {
  std::error_code error;
  source->bytes = static_cast<int64_t>(std::filesystem::file_size(args.csv, error));
  source->stream.open(args.csv, std::ios::binary);
  if (!source->stream || error) {
    return absl::NotFoundError(absl::StrCat("--csv ", args.csv, ": no such file, or it cannot be read"));
  }
  source->reader = std::make_unique<CsvReader>(&source->stream, args.delimiter[0]);
  CsvRecord header;
  if (!source->reader->Next(&header)) return absl::InvalidArgumentError(absl::StrCat("--csv ", args.csv, ": is empty"));
  const std::string where = absl::StrCat("--csv ", args.csv, ":", header.line, ": ");
  if (!header.error.empty()) return absl::InvalidArgumentError(where + header.error);
  source->columns = header.fields;

  std::set<std::string> seen;
  for (const std::string& column : source->columns) {
    if (column.empty()) return absl::InvalidArgumentError(where + "a column has no name");
    if (!seen.insert(column).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, "column '", Printable(column, 100).c_str(), "' stands there twice"));
    }
  }
  const auto it = std::find(source->columns.begin(), source->columns.end(), args.address_column);
  if (it == source->columns.end()) {
    std::string advice = "name the one that holds the address with --address-column";
    if (source->columns.size() == 1 && header.fields[0].find(';') != std::string::npos)
      advice = "is it --delimiter ';'?";
    return absl::InvalidArgumentError(absl::StrCat(where, "no column '", args.address_column, "' among ",
                                                   Printable(absl::StrJoin(source->columns, ", "), 300).c_str(), "; ",
                                                   advice));
  }
  source->address_column = static_cast<size_t>(it - source->columns.begin());
  return absl::OkStatus();
}

// The line that fills while the file goes over. Nothing where nobody looks.
class ImportProgress {
 public:
  ImportProgress(const Cli& cli, int64_t bytes) : cli_(cli), bytes_(std::max<int64_t>(bytes, 1)) {}
  void Show(const ImportCounts& counts, int64_t bytes_read) {
    if (!cli_.env.err_is_terminal) return;
    meter_.Add(cli_.env.clock->Now(), counts.accepted + counts.refused);
    const double fraction = static_cast<double>(bytes_read) / static_cast<double>(bytes_);
    cli_.err() << "\rimporting " << ProgressBar(fraction, std::clamp<size_t>(cli_.env.columns / 3, 10, 40)) << " "
               << WithCommas(counts.accepted) << " accepted, " << WithCommas(counts.refused) << " refused";
    if (const auto rate = meter_.PerSecond()) cli_.err() << ", " << WithCommas(static_cast<int64_t>(*rate)) << "/s";
    cli_.err() << "\x1b[K" << std::flush;
    shown_ = true;
  }
  void Clear() {
    if (shown_) cli_.err() << "\r\x1b[K" << std::flush;
    shown_ = false;
  }

 private:
  const Cli& cli_;
  const int64_t bytes_;
  RateMeter meter_;
  bool shown_ = false;
};

absl::StatusOr<ImportCounts> ImportAll(const Cli& cli, const std::string& wave, Source& source, RefusalLog& refusals) {
  ImportProgress progress(cli, source.bytes);
  ImportJob job;
  job.wave = wave;
  job.rows = source.reader.get();
  job.columns = source.columns;
  job.address_column = source.address_column;
  job.refused = [&](const RefusedRow& row) {
    progress.Clear();
    return FileError(refusals.Add(row));
  };
  job.progress = [&](const ImportCounts& counts, int64_t bytes_read) { progress.Show(counts, bytes_read); };
  auto counts = Import(cli, job);
  progress.Clear();
  return counts;
}

void PrintResult(const Cli& cli, const v1::Wave& wave, const v1::Campaign& made, const ImportCounts& counts,
                 const RefusalLog& refusals) {
  const bool started = wave.state() != v1::Wave::DRAFT;
  const std::string& campaign = made.name();
  if (cli.options.json) {
    Json json{{"campaign", campaign},      {"wave", wave.name()},          {"accepted", counts.accepted},
              {"refused", counts.refused}, {"refusals", refusals.first()}, {"warnings", Json::array()},
              {"started", started}};
    for (const std::string& warning : made.warnings()) json["warnings"].push_back(warning);
    if (!wave.from_address().empty()) json["from_address"] = wave.from_address();
    cli.out() << Dump(json) << "\n";
    return;
  }
  cli.out() << "campaign " << Leaf(campaign) << ", wave " << Leaf(wave.name()) << ": " << WithCommas(counts.accepted)
            << " recipients accepted, " << WithCommas(counts.refused) << " rows refused\n";
  if (started) {
    if (!wave.from_address().empty() && wave.from_address() != made.content().from_address()) {
      cli.out() << "It leaves from " << Printable(wave.from_address(), 320)
                << ", the tenant's fallback: the From domain is not verified.\n";
    }
    cli.out() << "It is being sent. Look at it: wavepost watch " << Leaf(campaign) << "\n";
  } else {
    cli.out() << "Nothing is sent yet. Start it: wavepost start " << Leaf(campaign) << "\n";
  }
}

absl::StatusOr<ExitCode> Create(Cli& cli, const CreateArgs& args) {
  // Everything that can be wrong here is looked at before the server hears of anything.
  ASSIGN_OR_RETURN(const std::string tenant, TenantName(cli.options.tenant));
  Source source;
  RETURN_IF_ERROR(FileError(OpenCsv(args, &source)));
  v1::CreateCampaignRequest create;
  create.set_parent(tenant);
  create.set_campaign_id(args.id);
  ASSIGN_OR_RETURN(*create.mutable_campaign(), BuildCampaign(args.campaign, source.columns));
  ASSIGN_OR_RETURN(const std::vector<LoadedFile> files, LoadFiles(args.campaign.attach, args.campaign.inlined));
  RefusalLog refusals(cli);
  RETURN_IF_ERROR(FileError(refusals.Open(args.refused_file)));

  for (const LoadedFile& file : files) {
    ASSIGN_OR_RETURN(*create.mutable_campaign()->mutable_content()->add_attachments(), Upload(cli, tenant, file));
  }
  create.set_request_id(args.id.empty() ? cli.env.nonce : ContentId(create));
  const auto stub = v1::CampaignService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::Campaign campaign, Call(cli, *stub, &Stub::CreateCampaign, create));
  for (int i = 0; i < std::min(campaign.warnings_size(), kWarningsMax); ++i) {
    cli.err() << "wavepost: warning: " << Printable(campaign.warnings(i)) << "\n";
  }
  v1::CreateWaveRequest create_wave;
  create_wave.set_parent(campaign.name());
  create_wave.set_wave_id(args.wave);
  create_wave.set_request_id(ContentId(create.request_id() + "/" + args.wave));
  ASSIGN_OR_RETURN(v1::Wave wave, Call(cli, *stub, &Stub::CreateWave, create_wave));

  const auto counts = ImportAll(cli, wave.name(), source, refusals);
  RETURN_IF_ERROR(FileError(refusals.Close()));
  if (!counts.ok()) {
    return Annotate(counts.status(), absl::StrCat("import stopped, campaign ", Leaf(campaign.name()),
                                                  " is kept as a draft and nothing was sent",
                                                  args.id.empty() ? "" : "; the same command again continues it"));
  }
  if (args.start && counts->accepted > 0) {
    v1::StartWaveRequest start;
    start.set_name(wave.name());
    ASSIGN_OR_RETURN(wave, Call(cli, *stub, &Stub::StartWave, start));
  }
  PrintResult(cli, wave, campaign, *counts, refusals);
  if (counts->accepted > 0) return ExitCode::kOk;
  cli.err() << "wavepost: no row was accepted, so there is nothing to start\n";
  return ExitCode::kFailed;
}

}  // namespace

void AddCreate(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<CreateArgs>();
  CLI::App* cmd = app.add_subcommand("create", "Create a campaign from templates and a CSV file of recipients");
  cmd->add_option("--csv", args->csv, "Recipients: UTF-8, first line names the columns")->required();
  AddCampaignOptions(*cmd, args->campaign);
  cmd->add_option("--id", args->id, "Name of the campaign, [a-z0-9-]; with it, repeating the command is safe");
  cmd->add_option("--address-column", args->address_column, "Column with the address")->capture_default_str();
  cmd->add_option("--delimiter", args->delimiter, "Between fields")
      ->capture_default_str()
      ->check([](const std::string& d) {
        return d.size() == 1 && d != "\"" && d != "\n" && d != "\r" ? "" : "must be one character, e.g. ';'";
      });
  cmd->add_option("--wave", args->wave, "Name of the wave")->capture_default_str();
  cmd->add_option("--refused", args->refused_file,
                  "Write refused rows to this CSV file: line,address,reason,description");
  cmd->add_flag("--start", args->start, "Start sending when everything is imported");
  cmd->footer(
      "Templates are Mustache: {{first_name}} is the recipient's value of the column first_name. Each variable must be "
      "a\n"
      "column: the coordinator checks that before anything is imported. A bad row is refused with its line number, "
      "the\n"
      "good rows go on. Attachments and pictures have at most 10 MB together; 'wavepost render' shows the result.\n\n"
      "Example:\n"
      "  wavepost create --id spring --csv people.csv --subject 'Hello {{first_name}}' \\\n"
      "      --from 'Jane Doe <jane@example.com>' --html mail.html --refused refused.csv --start\n"
      "  wavepost create --id offer --csv people.csv --subject-file subject.txt --from jane@example.com \\\n"
      "      --html offer.html --inline logo=logo.png --attach 'offer-17.pdf;name=Angebot.pdf' --default "
      "first_name=Kunde");
  cmd->callback([&cli, args] {
    if (args->campaign.subject.empty() && args->campaign.subject_file.empty())
      throw CLI::RequiredError("--subject or --subject-file");
    cli.action = [&cli, args] { return Create(cli, *args); };
  });
}

}  // namespace wavepost::cli
