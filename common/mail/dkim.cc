#include "common/mail/dkim.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"
#include "common/mail/dkim_canon.h"
#include "common/mail/dkim_hash.h"
#include "common/mail/dkim_verify.h"

namespace wavepost {
namespace {

struct SignedName {
  std::string_view name;
  bool oversigned;  // named once more than present: one that is added later breaks the signature
};

constexpr SignedName kSignedNames[] = {
    {"from", true},
    {"to", true},
    {"subject", true},
    {"date", true},
    {"message-id", true},
    {"reply-to", true},
    {"mime-version", true},
    {"content-type", true},
    {"content-transfer-encoding", false},
    {"list-unsubscribe", true},
    {"list-unsubscribe-post", true},
    {"list-id", false},
    {"feedback-id", false},
    {"auto-submitted", false},
};

constexpr size_t kColumnMax = 78;  // of a line, its tab counted as one
constexpr size_t kNameBytes = sizeof("DKIM-Signature") - 1;
constexpr size_t kBodyHashBytes = (kSha256Bytes + 2) / 3 * 4;

// Appends `part` to a folded field; on a new line if it does not fit on this one.
class Folder {
 public:
  Folder(std::string* out, size_t column) : out_(out), column_(column) {}

  void NewLine() {
    out_->append("\r\n\t");
    column_ = 1;
  }
  void Add(std::string_view part, bool blank_before) {
    // Not on a line that has nothing yet: one of blanks only would end the header for some.
    if (column_ > 1 && column_ + (blank_before ? 1 : 0) + part.size() > kColumnMax) {
      NewLine();
    } else if (blank_before) {
      out_->push_back(' ');
      ++column_;
    }
    out_->append(part);
    column_ += part.size();
  }
  // Base64 may be broken anywhere.
  void AddBroken(std::string_view text) {
    while (!text.empty()) {
      if (column_ >= kColumnMax) NewLine();
      const std::string_view part = text.substr(0, kColumnMax - column_);
      out_->append(part);
      column_ += part.size();
      text.remove_prefix(part.size());
    }
  }

 private:
  std::string* const out_;
  size_t column_;
};

// The signed fields in canonical form, and their names for h=, folded.
struct SignedFields {
  std::string canonical;
  std::string names;
};

absl::StatusOr<SignedFields> GatherFields(std::string_view headers) {
  const std::vector<HeaderField> fields = SplitHeaderFields(headers, kDkimFieldsMax + 1);
  if (fields.size() > kDkimFieldsMax) {
    return absl::InvalidArgumentError(absl::StrCat("the message has more than ", kDkimFieldsMax, " header fields"));
  }
  SignedFields out;
  out.canonical.reserve(headers.size() + 1024);
  out.names.reserve(512);
  Folder fold(&out.names, 0);
  fold.NewLine();
  fold.Add("h=", false);
  std::string_view last;  // comes with its colon, or in the end with a semicolon
  const auto sign = [&](std::string_view name) {
    if (!last.empty()) fold.Add(absl::StrCat(Av(last), ":"), false);
    last = name;
  };
  for (const SignedName& wanted : kSignedNames) {
    bool present = false;
    for (size_t i = fields.size(); i-- > 0;) {  // several of one name are taken from the bottom (section 5.4.2)
      if (!EqualsIgnoreCase(fields[i].name, wanted.name)) continue;
      present = true;
      AppendCanonHeader(fields[i], DkimCanon::kRelaxed, &out.canonical);
      out.canonical.append("\r\n");
      sign(wanted.name);
    }
    if (!present && wanted.name == "from") return absl::InvalidArgumentError("the message has no From field");
    if (wanted.oversigned) sign(wanted.name);
  }
  fold.Add(absl::StrCat(Av(last), ";"), false);
  return out;
}

// The signature's own field up to "b=".
std::string OwnField(const DkimSigner& signer, std::string_view names, std::string_view body_hash, absl::Time now) {
  std::string out;
  out.reserve(names.size() + 1024);
  out.append("DKIM-Signature: v=1; a=").append(signer.algorithm()).append("; c=relaxed/relaxed;");
  Folder fold(&out, out.size());
  fold.NewLine();
  fold.Add(absl::StrCat("d=", signer.domain(), ";"), false);
  fold.Add(absl::StrCat("s=", signer.selector(), ";"), true);
  fold.NewLine();
  fold.Add(absl::StrCat("t=", absl::ToUnixSeconds(now), ";"), false);
  fold.Add(absl::StrCat("bh=", Av(body_hash), ";"), true);
  out.append(names);
  out.append("\r\n\tb=");
  return out;
}

}  // namespace

absl::StatusOr<std::string> DkimSign(const std::vector<std::shared_ptr<const DkimSigner>>& signers,
                                     std::string_view headers, std::string_view body_hash, absl::Time now) {
  if (signers.size() > kDkimSignersMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message bears at most ", kDkimSignersMax, " DKIM signatures, not ", signers.size()));
  }
  if (body_hash.size() != kBodyHashBytes) return absl::InvalidArgumentError("that is not the hash of a body");
  ASSIGN_OR_RETURN(SignedFields fields, GatherFields(headers));
  const size_t shared = fields.canonical.size();
  std::string out;
  for (size_t i = signers.size(); i-- > 0;) {
    std::string field = OwnField(*signers[i], fields.names, body_hash, now);
    const std::string_view raw = field;
    fields.canonical.resize(shared);
    AppendCanonHeader({raw.substr(0, kNameBytes), raw, raw.substr(kNameBytes + 1)}, DkimCanon::kRelaxed,
                      &fields.canonical);
    ASSIGN_OR_RETURN(const std::string signature, signers[i]->SignBytes(fields.canonical));
    Folder(&field, sizeof("\tb=") - 1).AddBroken(Base64Encode(signature));
    out.append(field).append("\r\n");
  }
  return out;
}

}  // namespace wavepost
