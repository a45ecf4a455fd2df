// wavepost certificates: S/MIME certificates, with which the mail of a campaign is signed.
#include <openssl/crypto.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/format.h"
#include "cli/json_content.h"
#include "cli/names.h"
#include "cli/terminal.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/certificates_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::CertificateService::Stub;

constexpr int kPerPage = 1000;
constexpr size_t kPkcs12BytesMax = 256 << 10;  // the API's
constexpr absl::Duration kEndsSoon = absl::Hours(24 * 30);

struct CertificateArgs {
  std::string file, password_file, certificate;
  bool yes = false;
};

// A text that is overwritten before its memory is given back.
struct Secret {
  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(text.data(), text.size()); }
  std::string text;
};

// The first line; spaces may belong to it.
absl::Status ReadPassword(const Cli& cli, const CertificateArgs& args, Secret* password) {
  if (!args.password_file.empty()) {
    ASSIGN_OR_RETURN(password->text, ReadTextFile("--password-file", args.password_file, kSecretBytesMax));
    password->text.resize(std::min(password->text.find_first_of("\r\n"), password->text.size()));
    return absl::OkStatus();
  }
  if (!cli.env.ask_secret) {
    return UsageError(
        "nobody can be asked for the certificate's password here; give --password-file FILE (an empty file for none)");
  }
  std::optional<std::string> typed = cli.env.ask_secret(absl::StrCat("Password of ", Printable(args.file, 300), ": "));
  if (!typed.has_value()) return absl::CancelledError("no password was given, so nothing was stored");
  password->text = *typed;
  OPENSSL_cleanse(typed->data(), typed->size());
  return absl::OkStatus();
}

std::string Ends(const v1::Certificate& certificate, absl::Time now) {
  if (!certificate.has_not_after()) return "-";
  const absl::Time end = FromProto(certificate.not_after());
  std::string text = LocalTime(end);
  if (end <= now) {
    text += " EXPIRED";
  } else if (end - now < kEndsSoon) {
    absl::StrAppend(&text, " (in ", ShortDuration(end - now), ")");
  }
  return text;
}

std::string Addresses(const v1::Certificate& certificate) {
  return Printable(absl::StrJoin(certificate.addresses(), ", "), 1000);
}

absl::StatusOr<ExitCode> Add(Cli& cli, const CertificateArgs& args) {
  v1::CreateCertificateRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  ASSIGN_OR_RETURN(
      *request.mutable_pkcs12(),
      ReadBinaryFile("certificate", args.file, kPkcs12BytesMax,
                     "a PKCS#12 file of one certificate with its chain is far smaller; is it the right one?"));
  Secret password;
  RETURN_IF_ERROR(ReadPassword(cli, args, &password));
  request.set_password(password.text);
  const auto stub = v1::CertificateService::NewStub(cli.channel());
  const auto made = Call(cli, *stub, &Stub::CreateCertificate, request);
  OPENSSL_cleanse(request.mutable_password()->data(), request.password().size());
  RETURN_IF_ERROR(made.status());
  if (cli.options.json) {
    cli.out() << Dump(ToJson(*made)) << "\n";
    return ExitCode::kOk;
  }
  cli.out() << "certificate " << Printable(Leaf(made->name()), 100) << "\n"
            << "  may sign for  " << Addresses(*made) << "\n"
            << "  subject       " << Printable(made->subject(), 1000) << "\n"
            << "  issuer        " << Printable(made->issuer(), 1000) << "\n"
            << "  ends          " << Ends(*made, cli.env.clock->Now()) << "\n"
            << "Sign a campaign with it: wavepost create --smime, with one of these addresses in --from\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Cli& cli) {
  v1::ListCertificatesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), TenantName(cli.options.tenant));
  request.set_page_size(kPerPage);
  Table table;
  for (const char* title : {"certificate", "ends", "may sign for", "issuer"}) table.Column(title);
  const auto stub = v1::CertificateService::NewStub(cli.channel());
  do {
    ASSIGN_OR_RETURN(const v1::ListCertificatesResponse page, Call(cli, *stub, &Stub::ListCertificates, request));
    for (const v1::Certificate& certificate : page.certificates()) {
      if (cli.options.json) {
        cli.out() << Dump(ToJson(certificate)) << "\n";
        continue;
      }
      table.Row({Printable(Leaf(certificate.name()), 100), Ends(certificate, cli.env.clock->Now()),
                 Addresses(certificate), Printable(certificate.issuer(), 300)});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && cli.out().good());
  if (cli.options.json) return ExitCode::kOk;
  cli.out() << (table.empty() ? "No certificate yet. Add one: wavepost certificates add FILE.p12\n" : table.ToString());
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Delete(Cli& cli, const CertificateArgs& args) {
  v1::DeleteCertificateRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), CertificateName(args.certificate, cli.options.tenant));
  const std::string leaf = Printable(Leaf(request.name()), 100);
  if (!args.yes && !cli.Confirmed(absl::StrCat("Campaigns that sign with ", leaf,
                                               " can no longer be sent. Delete it with its private key?"))) {
    cli.err() << "Nothing was deleted.\n";
    return ExitCode::kFailed;
  }
  const auto stub = v1::CertificateService::NewStub(cli.channel());
  RETURN_IF_ERROR(Call(cli, *stub, &Stub::DeleteCertificate, request).status());
  if (cli.options.json) {
    cli.out() << Dump(Json{{"certificate", request.name()}, {"deleted", true}}) << "\n";
  } else {
    cli.out() << leaf << " is deleted\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddCertificates(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<CertificateArgs>();
  CLI::App* cmd = app.add_subcommand("certificates", "S/MIME certificates that sign the mail of campaigns");
  cmd->require_subcommand(1);
  cmd->footer(
      "The private key goes in and never comes out; the password is used once and stored nowhere. An event says when "
      "a\n"
      "certificate ends soon.\n\nExample:\n"
      "  wavepost certificates add jane.p12\n"
      "  wavepost create --smime --from 'Jane Doe <jane@example.com>' ...");

  CLI::App* add = cmd->add_subcommand("add", "Bring a certificate with its key, as PKCS#12 (.p12, .pfx)");
  add->add_option("file", args->file, "PKCS#12 file, at most 256 KB")->required();
  add->add_option("--password-file", args->password_file,
                  "File with its password in the first line; without it, you are asked");
  add->footer(
      "A password is no option: everybody on the machine can see a command line.\n\nExample:\n"
      "  wavepost certificates add jane.p12\n"
      "  wavepost certificates add jane.p12 --password-file jane.password");
  add->callback([&cli, args] { cli.action = [&cli, args] { return Add(cli, *args); }; });

  CLI::App* list = cmd->add_subcommand("list", "All of them; with --json an object per line");
  list->callback([&cli] { cli.action = [&cli] { return List(cli); }; });

  CLI::App* remove = cmd->add_subcommand("delete", "Delete a certificate and its key");
  remove->add_option("certificate", args->certificate, "64 hexadecimal digits, as 'list' prints them")->required();
  remove->add_flag("--yes", args->yes, "Do not ask (on a terminal it asks)");
  remove->callback([&cli, args] { cli.action = [&cli, args] { return Delete(cli, *args); }; });
}

}  // namespace wavepost::cli
