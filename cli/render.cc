// wavepost render: a recipient's message as it would leave.
#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/campaigns_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::CampaignService::Stub;

constexpr char kHtmlSuffix[] = ".html";

struct RenderArgs {
  std::string campaign, wave, recipient, sample, output;
  std::vector<std::string> values;
  bool html = false;
};

absl::StatusOr<v1::RenderMessageRequest> RequestOf(const Cli& cli, const RenderArgs& args) {
  v1::RenderMessageRequest request;
  ASSIGN_OR_RETURN(const std::string campaign, CampaignName(args.campaign, cli.options.tenant));
  request.set_name(args.wave.empty() ? campaign : absl::StrCat(campaign, "/waves/", Leaf(args.wave)));
  if (args.recipient.empty() == args.sample.empty()) {
    return UsageError(
        "whose message? Give --recipient ADDRESS for somebody who is imported, or --sample ADDRESS with --set "
        "COLUMN=VALUE for anybody");
  }
  request.set_address(args.recipient);
  if (args.sample.empty()) {
    if (args.values.empty()) return request;
    return UsageError("--set goes with --sample; an imported recipient has its own values");
  }
  v1::Recipient& sample = *request.mutable_sample();
  sample.set_address(args.sample);
  for (const std::string& text : args.values) {
    ASSIGN_OR_RETURN(const auto value, ParseAssignment("--set", text));
    if (!sample.mutable_attributes()->insert({value.first, value.second}).second) {
      return UsageError(absl::StrCat("--set names the column '", Printable(value.first, 100), "' twice"));
    }
  }
  return request;
}

// A file of our own that nobody else reads; its name is in `path`.
absl::Status WriteTemporary(std::string_view html, std::string* path) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  if (error) {
    return FileError(
        absl::NotFoundError("there is no folder for temporary files; set TMPDIR, or name a file with --output"));
  }
  *path = (folder / "wavepost-XXXXXX").string() + kHtmlSuffix;
  const int fd = mkstemps(path->data(), static_cast<int>(sizeof kHtmlSuffix - 1));
  if (fd < 0) {
    return FileError(absl::PermissionDeniedError(
        absl::StrCat(folder.string(), ": cannot make a file there; set TMPDIR, or name a file with --output")));
  }
  close(fd);
  return WriteFile("temporary file", *path, html);
}

absl::StatusOr<ExitCode> Render(Cli& cli, const RenderArgs& args) {
  ASSIGN_OR_RETURN(const v1::RenderMessageRequest request, RequestOf(cli, args));
  const auto stub = v1::CampaignService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::RenderMessageResponse message, Call(cli, *stub, &Stub::RenderMessage, request));
  for (const std::string& warning : message.warnings()) {
    cli.err() << "wavepost: warning: " << Printable(warning) << "\n";
  }
  if (args.html && message.html().empty()) return absl::NotFoundError("the message has no HTML part");
  const std::string& bytes = args.html ? message.html() : message.eml();
  std::string path = args.output;
  if (!path.empty()) {
    RETURN_IF_ERROR(WriteFile("--output", path, bytes));
  } else if (args.html) {
    RETURN_IF_ERROR(WriteTemporary(bytes, &path));
  }
  if (cli.options.json) {
    Json json{{"return_path", message.return_path()}, {"warnings", Json::array()}};
    for (const std::string& warning : message.warnings()) json["warnings"].push_back(warning);
    if (path.empty()) {
      json["eml_base64"] = absl::Base64Escape(bytes);
    } else {
      json["file"] = path;
    }
    cli.out() << Dump(json) << "\n";
  } else if (path.empty()) {
    PrintBytes(cli, bytes);
  } else {
    cli.out() << path << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddRender(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<RenderArgs>();
  CLI::App* cmd = app.add_subcommand("render", "Write a recipient's message as it would leave; nothing is sent");
  cmd->add_option("--campaign", args->campaign, "CAMPAIGN or full name")->required();
  cmd->add_option("--wave", args->wave, "Of which wave; otherwise the first one that has the recipient");
  auto* recipient = cmd->add_option("--recipient", args->recipient, "Address of an imported recipient");
  cmd->add_option("--sample", args->sample, "Address of anybody, with the values of --set")->excludes(recipient);
  cmd->add_option("--set", args->values, "COLUMN=VALUE for --sample; repeat it")->allow_extra_args(false);
  cmd->add_flag("--html", args->html, "The HTML part alone, into a file for a browser");
  cmd->add_option("--output", args->output, "Into this file; otherwise to stdout, or a temporary file with --html");
  cmd->footer(
      "Headers, signatures and all: exactly what would be sent, byte by byte (on a terminal, control characters are "
      "made\nprintable). What is written to a file is said by its path; the temporary file of --html stays until you "
      "delete it.\n\nExample:\n"
      "  wavepost render --campaign spring --recipient ann@example.com > ann.eml\n"
      "  wavepost render --campaign spring --sample test@example.com --set first_name=Ann --set 'city=Köln' --html");
  cmd->callback([&cli, args] { cli.action = [&cli, args] { return Render(cli, *args); }; });
}

}  // namespace wavepost::cli
