#include "bouncer/parse/command.h"

#include <vector>

#include "absl/status/statusor.h"
#include "bouncer/parse/files.h"
#include "bouncer/parse/print.h"
#include "bouncer/reading/reading.h"
#include "common/base/status_macros.h"

namespace wavepost {
namespace {

constexpr size_t kProgressEvery = 10'000;  // files

}  // namespace

absl::Status RunParse(const ParseOptions& options, std::FILE* out, std::FILE* progress) {
  ASSIGN_OR_RETURN(const std::vector<MailFile> files, FindMailFiles(options.path));
  absl::Status first_error;
  size_t done = 0;
  for (const MailFile& file : files) {
    const absl::StatusOr<std::string> mail = ReadMailFile(file);
    if (mail.ok()) {
      const Reading reading = ReadMail(*mail);
      const std::string text = options.jsonl ? JsonLines(file.name, reading, options.explain)
                                             : ForPeople(file.name, reading, options.explain);
      if (std::fwrite(text.data(), 1, text.size(), out) != text.size()) {
        return absl::UnavailableError("cannot write the result; is the disk full or the reader gone?");
      }
    } else {
      first_error.Update(mail.status());
      if (progress != nullptr) {
        std::fprintf(progress, "wavepost-bouncer: %s\n", std::string(mail.status().message()).c_str());
      }
    }
    if (++done % kProgressEvery == 0 && progress != nullptr) {
      std::fprintf(progress, "%zu of %zu files\n", done, files.size());
    }
  }
  return first_error;
}

}  // namespace wavepost
