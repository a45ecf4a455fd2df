// The commands. Each function adds one to the program: its options, its help, and the action to run.
#pragma once

namespace CLI {
class App;
}

namespace wavepost::cli {

class Cli;

void AddCreate(CLI::App& app, Cli& cli);
void AddStart(CLI::App& app, Cli& cli);
void AddWatch(CLI::App& app, Cli& cli);
void AddReport(CLI::App& app, Cli& cli);
void AddAudit(CLI::App& app, Cli& cli);
void AddRecipient(CLI::App& app, Cli& cli);
void AddEvents(CLI::App& app, Cli& cli);
void AddSuppressions(CLI::App& app, Cli& cli);
void AddReports(CLI::App& app, Cli& cli);
void AddPause(CLI::App& app, Cli& cli);
void AddResume(CLI::App& app, Cli& cli);
void AddPauses(CLI::App& app, Cli& cli);
void AddFlush(CLI::App& app, Cli& cli);
void AddDrop(CLI::App& app, Cli& cli);
void AddExplain(CLI::App& app, Cli& cli);
void AddTrace(CLI::App& app, Cli& cli);
void AddEstimate(CLI::App& app, Cli& cli);
void AddNodes(CLI::App& app, Cli& cli);
void AddDomains(CLI::App& app, Cli& cli);
void AddFiles(CLI::App& app, Cli& cli);
void AddCertificates(CLI::App& app, Cli& cli);
void AddRender(CLI::App& app, Cli& cli);
void AddIdentity(CLI::App& app, Cli& cli);
void AddAllowList(CLI::App& app, Cli& cli);
void AddTenants(CLI::App& app, Cli& cli);
void AddKeys(CLI::App& app, Cli& cli);

}  // namespace wavepost::cli
