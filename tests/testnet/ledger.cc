#include "tests/testnet/ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost::testnet {
namespace {

bool IsPlain(std::string_view text) {
  return text.size() <= 1024 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

void AppendField(std::string_view key, std::string_view value, std::string* out) {
  absl::StrAppend(out, ",\"", Av(key), "\":\"");
  if (IsPlain(value)) {
    out->append(value);
  } else {
    for (const char c : Printable(value)) {
      if (c == '"' || c == '\\') *out += '\\';
      *out += c;
    }
  }
  *out += '"';
}

}  // namespace

std::string ToJsonLine(const LedgerEntry& entry) {
  std::string out;
  out.reserve(512);
  absl::StrAppend(&out, "{\"time\":\"", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", entry.time, absl::UTCTimeZone()),
                  "\"");
  AppendField("event", entry.event, &out);
  AppendField("phase", entry.phase, &out);
  AppendField("client_ip", entry.client_ip, &out);
  AppendField("ehlo", entry.ehlo, &out);
  AppendField("mail_from", entry.mail_from, &out);
  AppendField("rcpt_to", entry.rcpt_to, &out);
  AppendField("message_id", entry.message_id, &out);
  absl::StrAppend(&out, ",\"code\":", entry.code);
  AppendField("reply", entry.reply, &out);
  AppendField("domain", entry.domain, &out);
  AppendField("dkim", entry.dkim, &out);
  absl::StrAppend(&out, ",\"tls\":", entry.tls ? "true" : "false", ",\"size\":", entry.size, "}\n");
  return out;
}

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& path, bool discard) {
  int fd = -1;
  if (!discard) {
    fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      return absl::FailedPreconditionError(absl::StrCat("cannot open the ledger ", path, ": ", std::strerror(errno)));
    }
  }
  return std::unique_ptr<Ledger>(new Ledger(fd, path));
}

Ledger::~Ledger() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status Ledger::Write(const LedgerEntry& entry) {
  if (fd_ >= 0) {
    std::string line = ToJsonLine(entry);
    if (torn_) line.insert(0, 1, '\n');
    ssize_t written;
    do {
      written = ::write(fd_, line.data(), line.size());
    } while (written < 0 && errno == EINTR);
    if (written != static_cast<ssize_t>(line.size())) {
      const int error = written < 0 ? errno : ENOSPC;
      torn_ = torn_ || written > 0;
      return absl::UnavailableError(absl::StrCat("cannot write the ledger ", path_, ": ", std::strerror(error)));
    }
    torn_ = false;
  }
  ++lines_;
  return absl::OkStatus();
}

}  // namespace wavepost::testnet
