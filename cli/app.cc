#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <utility>

#include "cli/commands.h"

namespace wavepost::cli {
namespace {

constexpr char kVersion[] = "wavepost 0.1.0";

void AddGlobalOptions(CLI::App& app, Cli& cli) {
  GlobalOptions& o = cli.options;
  app.add_option("--server", o.server, "Coordinator, HOST:PORT")->envname("WAVEPOST_SERVER")->capture_default_str();
  app.add_option("--tenant", o.tenant, "Whose campaigns")->envname("WAVEPOST_TENANT")->capture_default_str();
  auto* file = app.add_option("--api-key-file", o.api_key_file, "File with the API key in its first line");
  // An option only so that the help shows the variable: a key on a command line is seen by everybody on the machine.
  app.add_option("--api-key", o.api_key, "API key; use the variable, not the flag")
      ->envname("WAVEPOST_API_KEY")
      ->excludes(file);
  app.add_flag("--tls", o.tls.enabled, "Use TLS and trust the system's authorities");
  app.add_option("--tls-authority", o.tls.authority, "PEM: who signs the coordinator's certificate");
  auto* certificate = app.add_option("--tls-certificate", o.tls.certificate, "PEM: own certificate");
  auto* key = app.add_option("--tls-key", o.tls.key, "PEM: its private key");
  certificate->needs(key);
  key->needs(certificate);
  app.add_flag("--json", o.json, "Results as JSON, for scripts");
}

void Describe(CLI::App& app) {
  app.description("Wavepost: send campaigns and watch their books.");
  app.footer(
      "A campaign in five steps:\n"
      "  wavepost domains add example.com             # once: prints the DNS records to publish\n"
      "  wavepost domains verify example.com --wait 1h\n"
      "  wavepost create --id spring --csv people.csv --subject 'Hello {{first_name}}' \\\n"
      "      --from 'Jane Doe <jane@example.com>' --html mail.html --start\n"
      "  wavepost watch spring\n"
      "  wavepost report spring\n\n"
      "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 server unreachable, 4 not found, 5 books do not balance,\n"
      "6 a file here cannot be read or written.\n"
      "Help on a command: wavepost COMMAND --help");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand after the command, too
  app.failure_message([](const CLI::App* app_in, const CLI::Error& e) {
    std::string where = "wavepost";
    for (const CLI::App* sub = app_in; !sub->get_subcommands().empty();) {
      sub = sub->get_subcommands().front();
      where += " " + sub->get_name();
    }
    // CLI11 would rather miss a command than see a wrong one.
    const auto extra = app_in->remaining();
    const bool wrong_command = where == "wavepost" && !extra.empty() && extra.front()[0] != '-';
    const std::string what = wrong_command ? "there is no command '" + extra.front() + "'" : e.what();
    return "wavepost: " + what + "\nSee '" + where + " --help'.\n";
  });
}

ExitCode RunAction(Cli& cli) {
  absl::StatusOr<ExitCode> code = ExitCode::kOk;
  if (const absl::Status status = cli.Connect(); status.ok()) {
    code = cli.action();
  } else {
    code = status;
  }
  cli.out().flush();
  if (code.ok() && !cli.out().good())
    code = absl::DataLossError("cannot write the result; is the disk full, or the reader gone?");
  if (code.ok()) return *code;
  cli.err() << ErrorText(code.status(), cli.options.server);
  return ExitCodeFor(code.status());
}

}  // namespace

int Run(const std::vector<std::string>& args, Env env) {
  Cli cli(std::move(env));
  CLI::App app("", "wavepost");
  AddGlobalOptions(app, cli);
  Describe(app);
  AddCreate(app, cli);
  AddStart(app, cli);
  AddWatch(app, cli);
  AddReport(app, cli);
  AddAudit(app, cli);
  AddRecipient(app, cli);
  AddEvents(app, cli);
  AddSuppressions(app, cli);
  AddReports(app, cli);
  AddPause(app, cli);
  AddResume(app, cli);
  AddPauses(app, cli);
  AddFlush(app, cli);
  AddDrop(app, cli);
  AddExplain(app, cli);
  AddTrace(app, cli);
  AddEstimate(app, cli);
  AddNodes(app, cli);
  AddDomains(app, cli);
  AddFiles(app, cli);
  AddCertificates(app, cli);
  AddRender(app, cli);
  AddIdentity(app, cli);
  AddAllowList(app, cli);
  AddTenants(app, cli);
  AddKeys(app, cli);
  try {
    // CLI11 takes them in reverse.
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    // Help and --version arrive here as well, with exit code 0.
    const int code = app.exit(e, cli.out(), cli.err());
    return static_cast<int>(code == 0 ? ExitCode::kOk : ExitCode::kUsage);
  } catch (const std::exception& e) {
    cli.err() << "wavepost: " << e.what() << "\n";
    return static_cast<int>(ExitCode::kUsage);
  }
  GlobalOptions& o = cli.options;
  o.tenant_given = app.get_option("--tenant")->count() > 0;
  o.tls.enabled = o.tls.enabled || !o.tls.authority.empty() || !o.tls.certificate.empty();
  return static_cast<int>(RunAction(cli));
}

}  // namespace wavepost::cli
