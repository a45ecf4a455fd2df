// wavepost reports: what receivers say of a domain's mail (DMARC) and of TLS to its mail servers.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/names.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "wavepost/v1/reports_service.grpc.pb.h"

namespace wavepost::cli {
namespace {

using Stub = v1::ReportService::Stub;

constexpr int kPerPage = 1000;
constexpr size_t kRowsShown = 50;  // of a table for people; --json has all

struct ReportArgs {
  std::string domain;
  int days = 30;
};

absl::StatusOr<std::string> Parent(const Cli& cli, const std::string& domain) {
  constexpr std::string_view kOwn = "domains/";
  if (std::string_view(domain).substr(0, kOwn.size()) == kOwn) return domain;
  return DomainName(domain, cli.options.tenant);
}

std::string Day(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d", FromProto(time), absl::UTCTimeZone());
}

std::string Time(const google::protobuf::Timestamp& time) {
  return absl::FormatTime(absl::RFC3339_sec, FromProto(time), absl::UTCTimeZone());
}

std::string Days(int days) {
  return days == 1 ? "today" : absl::StrCat("the last ", days, " days");
}

Json ToJson(const v1::DmarcSource& source) {
  return Json{{"source_ip", source.source_ip()},       {"ours", source.ours()},
              {"messages", source.messages()},         {"passed", source.passed()},
              {"dkim_aligned", source.dkim_aligned()}, {"spf_aligned", source.spf_aligned()},
              {"quarantined", source.quarantined()},   {"rejected", source.rejected()},
              {"first_day", Day(source.first_day())},  {"last_day", Day(source.last_day())}};
}

Json ToJson(const v1::TlsFailure& failure) {
  return Json{{"result_type", failure.result_type()},
              {"sending_mta_ip", failure.sending_mta_ip()},
              {"receiving_mx", failure.receiving_mx()},
              {"sessions", failure.sessions()},
              {"reason", failure.reason()}};
}

Json ToJson(const v1::AggregateReport& report) {
  return Json{{"kind", report.kind() == v1::AggregateReport::TLS ? "tls" : "dmarc"},
              {"org_name", report.org_name()},
              {"report_id", report.report_id()},
              {"begin_time", Time(report.begin_time())},
              {"end_time", Time(report.end_time())},
              {"total", report.total()},
              {"passed", report.passed()},
              {"receive_time", Time(report.receive_time())},
              {"sender", report.sender()}};
}

void AddSource(const v1::DmarcSource& source, Table* table) {
  table->Row({Printable(source.source_ip(), 64), source.ours() ? "ours" : "NOT OURS", WithCommas(source.messages()),
              WithCommas(source.passed()), WithCommas(source.dkim_aligned()), WithCommas(source.spf_aligned()),
              WithCommas(source.quarantined()), WithCommas(source.rejected()), Day(source.last_day())});
}

absl::StatusOr<ExitCode> Dmarc(Cli& cli, const ReportArgs& args) {
  v1::ListDmarcSourcesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), Parent(cli, args.domain));
  request.set_days(args.days);
  request.set_page_size(kPerPage);
  const auto stub = v1::ReportService::NewStub(cli.channel());
  Table table;
  for (const char* title : {"source", "whose"}) table.Column(title);
  for (const char* title : {"messages", "passed", "by DKIM", "by SPF", "quarantined", "rejected"}) {
    table.Column(title, Table::Align::kRight);
  }
  table.Column("last day");
  v1::ListDmarcSourcesResponse page;
  size_t sources = 0;
  do {
    ASSIGN_OR_RETURN(page, Call(cli, *stub, &Stub::ListDmarcSources, request));
    for (const v1::DmarcSource& source : page.sources()) {
      if (cli.options.json) cli.out() << Dump(ToJson(source)) << "\n";
      if (++sources <= kRowsShown && !cli.options.json) AddSource(source, &table);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && cli.out().good());
  if (cli.options.json) return ExitCode::kOk;
  if (sources == 0) {
    cli.out() << "No DMARC report about " << Printable(args.domain, 300) << " in " << Days(args.days)
              << ". Receivers send them, once a day, to the address behind rua= in the domain's DMARC record: wavepost "
                 "domains show "
              << Printable(args.domain, 300) << "\n";
    return ExitCode::kOk;
  }
  cli.out() << WithCommas(page.messages()) << " messages in " << Days(args.days) << ": " << WithCommas(page.passed())
            << " passed DMARC, " << WithCommas(page.messages() - page.passed()) << " failed\n\n"
            << table.ToString();
  if (sources > kRowsShown) {
    cli.out() << "and " << WithCommas(static_cast<int64_t>(sources - kRowsShown)) << " more; --json has all\n";
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Tls(Cli& cli, const ReportArgs& args) {
  v1::ListTlsResultsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), Parent(cli, args.domain));
  request.set_days(args.days);
  const auto stub = v1::ReportService::NewStub(cli.channel());
  ASSIGN_OR_RETURN(const v1::ListTlsResultsResponse results, Call(cli, *stub, &Stub::ListTlsResults, request));
  if (cli.options.json) {
    Json failures = Json::array();
    for (const v1::TlsFailure& failure : results.failures()) failures.push_back(ToJson(failure));
    cli.out() << Dump(Json{{"successful_sessions", results.successful_sessions()},
                           {"failed_sessions", results.failed_sessions()},
                           {"failures", std::move(failures)}})
              << "\n";
    return ExitCode::kOk;
  }
  if (results.successful_sessions() + results.failed_sessions() == 0) {
    cli.out() << "No TLS report about " << Printable(args.domain, 300) << " in " << Days(args.days)
              << ". Senders report to the address in the TXT record at _smtp._tls." << Printable(args.domain, 300)
              << "\n";
    return ExitCode::kOk;
  }
  cli.out() << WithCommas(results.successful_sessions() + results.failed_sessions()) << " sessions in "
            << Days(args.days) << ": TLS failed in " << WithCommas(results.failed_sessions()) << "\n";
  if (results.failures().empty()) return ExitCode::kOk;
  Table table;
  table.Column("sessions", Table::Align::kRight);
  for (const char* title : {"failure", "from", "at", "reason"}) table.Column(title);
  for (const v1::TlsFailure& failure : results.failures()) {
    table.Row({WithCommas(failure.sessions()), Printable(failure.result_type(), 64),
               Printable(failure.sending_mta_ip(), 64), Printable(failure.receiving_mx(), 100),
               Printable(failure.reason(), 100)});
  }
  cli.out() << "\n" << table.ToString();
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Cli& cli, const ReportArgs& args) {
  v1::ListAggregateReportsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_parent(), Parent(cli, args.domain));
  request.set_page_size(kPerPage);
  const auto stub = v1::ReportService::NewStub(cli.channel());
  bool any = false;
  do {
    ASSIGN_OR_RETURN(const v1::ListAggregateReportsResponse page,
                     Call(cli, *stub, &Stub::ListAggregateReports, request));
    for (const v1::AggregateReport& report : page.reports()) {
      any = true;
      if (cli.options.json) {
        cli.out() << Dump(ToJson(report)) << "\n";
        continue;
      }
      // One line each, streamed: the list may be long, so columns are not fitted.
      cli.out() << LocalTime(FromProto(report.receive_time()))
                << (report.kind() == v1::AggregateReport::TLS ? "  TLS    " : "  DMARC  ") << Day(report.begin_time())
                << "  " << Printable(report.org_name(), 100) << "  " << WithCommas(report.passed()) << " of "
                << WithCommas(report.total()) << " passed  " << Printable(report.report_id(), 100) << "\n";
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && cli.out().good());
  if (!any && !cli.options.json) cli.out() << "No report about " << Printable(args.domain, 300) << " yet\n";
  return ExitCode::kOk;
}

}  // namespace

void AddReports(CLI::App& app, Cli& cli) {
  auto args = std::make_shared<ReportArgs>();
  CLI::App* cmd = app.add_subcommand("reports", "What receivers say of a domain: DMARC and TLS reports");
  cmd->require_subcommand(1);
  cmd->footer(
      "Large receivers report once a day, by mail to the address behind rua= in a domain's DMARC record (wavepost\n"
      "domains show tells it), who sent mail in the domain's name and whether it passed DMARC. A source that is not\n"
      "ours and fails is spoofing, or a system of yours that nobody thought of; one that is ours and fails is ours to\n"
      "mend. Anybody can send such a report, so nothing happens by itself because of one.\n\n"
      "DOMAIN is a verified sending domain; operators also say domains/DOMAIN, for the cluster's own domains.\n\n"
      "Example:\n  wavepost reports dmarc example.com --days 7\n  wavepost reports tls domains/bounce.example");
  const auto add = [&](const char* name, const char* help, bool days,
                       absl::StatusOr<ExitCode> (*run)(Cli&, const ReportArgs&)) {
    CLI::App* sub = cmd->add_subcommand(name, help);
    sub->add_option("domain", args->domain, "example.com, or domains/bounce.example")->required();
    if (days) {
      sub->add_option("--days", args->days, "Of the last so many days, today included")
          ->check(CLI::Range(1, 400))
          ->capture_default_str();
    }
    sub->callback([&cli, args, run] { cli.action = [&cli, args, run] { return run(cli, *args); }; });
  };
  add("dmarc", "Who sends mail in the domain's name, and whether it passes; with --json a source per line", true,
      Dmarc);
  add("tls", "How TLS to the domain's mail servers went", true, Tls);
  add("list", "The single reports, newest first; with --json a report per line", false, List);
}

}  // namespace wavepost::cli
