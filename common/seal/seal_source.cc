#include "common/seal/seal_source.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace wavepost {

absl::StatusOr<Sealer> LoadServiceSealer(const std::string& file, const std::string& data_dir, std::string* warning) {
  warning->clear();
  if (!file.empty()) {
    absl::StatusOr<Sealer> sealer = Sealer::Load(file);
    if (!absl::IsNotFound(sealer.status())) return sealer;
    // Not made by itself: a mistyped path would get a key that opens nothing.
    return absl::NotFoundError(absl::StrCat(sealer.status().message(),
                                            "; make one with: echo \"1 $(openssl rand -hex 32)\" > ", file,
                                            " && chmod 600 ", file));
  }
  if (const char* const set = std::getenv(kSealingKeyVariable); set != nullptr && *set != '\0') {
    std::string text = set;
    std::replace(text.begin(), text.end(), ';', '\n');
    return Sealer::Parse(text, kSealingKeyVariable);
  }
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(data_dir, error)) {
    fs::create_directories(data_dir, error);
    if (!error) fs::permissions(data_dir, fs::perms::owner_all, error);
    if (error) return absl::UnavailableError(absl::StrCat(data_dir, ": cannot be made: ", error.message()));
  }
  const std::string path = data_dir + "/sealing.keys";
  bool made = false;
  absl::StatusOr<Sealer> sealer = Sealer::LoadOrMake(path, &made);
  *warning = absl::StrCat(path, made ? " was made: it" : "", " seals the private keys in ", data_dir,
                          "; who copies the folder has both. Keep it elsewhere (sealing_key_file, or ",
                          kSealingKeyVariable, " from a secret), and keep a copy: without it the keys are lost");
  return sealer;
}

}  // namespace wavepost
