// wavepost files: what campaigns carry as attachments and inline pictures. 'wavepost create' puts it there.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/call.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json_content.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/files_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::FileService::Stub;

constexpr int kPerPage = 1000;

absl::StatusOr<ExitCode> List(Cli& cli) {
  v1::ListFilesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.set_page_size(kPerPage);
  Table table;
  table.Column("file");
  table.Column("bytes", Table::Align::kRight);
  table.Column("campaigns", Table::Align::kRight);
  table.Column("stored");
  const auto stub = v1::FileService::NewStub(cli.channel());
  do {
    ASSIGN_OR_RETURN(const v1::ListFilesResponse page, Call(cli, *stub, &Stub::ListFiles, request));
    for (const v1::File& file : page.files()) {
      if (cli.options.json) {
        cli.out() << Dump(ToJson(file)) << "\n";
        continue;
      }
      table.Row({Printable(Leaf(file.name()), 100), WithCommas(file.size_bytes()), WithCommas(file.campaigns()),
                 file.has_create_time() ? LocalTime(FromProto(file.create_time())) : "-"});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && cli.out().good());
  if (cli.options.json) return ExitCode::kOk;
  cli.out() << (table.empty() ? "No file is stored. 'wavepost create --attach FILE' stores what it attaches.\n"
                              : table.ToString());
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Delete(Cli& cli, const std::string& file) {
  v1::DeleteFileRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), FileName(file, cli.options.tenant));
  const auto stub = v1::FileService::NewStub(cli.channel());
  RETURN_IF_ERROR(Call(cli, *stub, &Stub::DeleteFile, request).status());
  if (cli.options.json) {
    cli.out() << Dump(Json{{"file", request.name()}, {"deleted", true}}) << "\n";
  } else {
    cli.out() << Printable(Leaf(request.name()), 100) << " is deleted\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddFiles(CLI::App& app, Cli& cli) {
  auto file = std::make_shared<std::string>();
  CLI::App* cmd = app.add_subcommand("files", "Stored attachments and pictures of the tenant");
  cmd->require_subcommand(1);
  cmd->footer(
      "A file is called by the SHA-256 of what is in it: the same file is stored once, whoever attaches it. A file "
      "that\n"
      "campaigns use cannot be deleted.\n\nExample:\n"
      "  wavepost files list --json | jq -r 'select(.campaigns == 0) | .file' | xargs -n 1 wavepost files delete");
  CLI::App* list = cmd->add_subcommand("list", "All of them; with --json an object per line");
  list->callback([&cli] { cli.action = [&cli] { return List(cli); }; });
  CLI::App* remove = cmd->add_subcommand("delete", "Delete a file that no campaign uses");
  remove->add_option("file", *file, "64 hexadecimal digits, as 'list' prints them")->required();
  remove->callback([&cli, file] { cli.action = [&cli, file] { return Delete(cli, *file); }; });
}

}  // namespace wavepost::cli
