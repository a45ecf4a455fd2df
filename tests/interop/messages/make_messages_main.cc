// make-messages: a thousand signed messages of many kinds, what a reader must find in each, and the DNS records of what
// signed them. For programs that nobody here wrote (messages_test.py).
//
//   make-messages --out DIR --date UNIX_SECONDS [--count N] [--seed N] [--pkcs12 FILE...] [--password TEXT]
//       [--demo DIR]
//
// Writes DIR/0000.eml..., DIR/expected.jsonl (message_mix.h; and "file", "signatures"), DIR/keys.json (name -> TXT),
// DIR/keys.zone; with --demo also DIR/invitation.eml, the demo's invitation to its first recipient.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/mail/dkim_keys.h"
#include "common/mail/outgoing.h"
#include "common/mail/smime.h"
#include "common/mail/verp.h"
#include "tests/interop/messages/message_mix.h"

namespace wavepost {
namespace {

constexpr char kOurDomain[] = "mail.wavepost.example";
constexpr char kReturnPathDomain[] = "bounce.wavepost.example";

struct Options {
  std::string out;
  std::string demo;
  std::string password;
  std::vector<std::string> pkcs12;
  int64_t date = 0;
  size_t count = 1000;
  uint64_t seed = 1;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text.str();
}

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text << std::flush;
  return out ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path));
}

// Two keys per domain, made when first asked for.
class Keys {
 public:
  absl::Status Add(const std::string& domain, cluster::v1::KeySet* set) {
    for (const bool rsa : {true, false}) {
      const std::string selector = rsa ? "wp20260101" : "wp20260101e";
      DkimKey& key = made_[absl::StrCat(selector, "._domainkey.", domain)];
      if (key.public_txt.empty()) {
        absl::StatusOr<DkimKey> fresh = rsa ? MakeRsaKey() : MakeEd25519Key();
        if (!fresh.ok()) return fresh.status();
        key = *std::move(fresh);
      }
      cluster::v1::SigningKey* const out = set->add_keys();
      out->set_domain(domain);
      out->set_selector(selector);
      out->set_private_key_pem(key.private_key_pem);
    }
    return absl::OkStatus();
  }

  nlohmann::json Json() const {
    nlohmann::json out;
    for (const auto& [name, key] : made_) out[name] = key.public_txt;
    return out;
  }

  // A zone of everything below "example.".
  std::string Zone() const {
    std::string out =
        "$ORIGIN example.\n$TTL 60\n@ SOA ns.example. root.example. 1 3600 600 86400 60\n@ NS ns.example.\n";
    for (const auto& [name, key] : made_) {
      absl::StrAppend(&out, name, ". TXT");
      for (size_t at = 0; at < key.public_txt.size(); at += 200) {
        absl::StrAppend(&out, " \"", key.public_txt.substr(at, 200), "\"");
      }
      absl::StrAppend(&out, "\n");
    }
    return out;
  }

 private:
  std::map<std::string, DkimKey> made_;
};

class Maker {
 public:
  explicit Maker(Options options) : options_(std::move(options)), random_(options_.seed) {}

  absl::Status Run() {
    RETURN_IF_ERROR(ReadCertificates());
    std::string expected;
    for (size_t n = 0; n < options_.count; ++n) {
      MixedMessage message = MakeMixedMessage(n, smime_from_, &random_);
      message.expected["file"] = absl::StrFormat("%04d.eml", n);
      if (absl::Status made = WriteOne(n, &message); !made.ok()) return Annotate(made, absl::StrCat("message ", n));
      absl::StrAppend(&expected, message.expected.dump(), "\n");
    }
    RETURN_IF_ERROR(WriteFile(options_.out + "/expected.jsonl", expected));
    if (!options_.demo.empty()) RETURN_IF_ERROR(WriteDemo());
    RETURN_IF_ERROR(WriteFile(options_.out + "/keys.json", keys_.Json().dump(1)));
    return WriteFile(options_.out + "/keys.zone", keys_.Zone());
  }

 private:
  absl::Status ReadCertificates() {
    for (const std::string& path : options_.pkcs12) {
      ASSIGN_OR_RETURN(const std::string der, ReadFile(path));
      ASSIGN_OR_RETURN(const SmimeIdentity identity,
                       ReadPkcs12(der, options_.password, absl::FromUnixSeconds(options_.date)));
      cluster::v1::SmimeKey* const key = smime_keys_.Add();
      key->set_address(identity.addresses.front());
      key->set_private_key_pem(identity.private_key_pem);
      key->set_chain_pem(identity.chain_pem);
      smime_from_.push_back(identity.addresses.front());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Make(size_t n, const cluster::v1::Content& content, bool operator_signs_too,
                                   const std::string& recipient, const std::vector<std::string>& values,
                                   nlohmann::json* signatures) {
    cluster::v1::KeySet keys;
    const std::string& from = content.content().from_address();
    RETURN_IF_ERROR(keys_.Add(from.substr(from.rfind('@') + 1), &keys));
    if (operator_signs_too) RETURN_IF_ERROR(keys_.Add(kOurDomain, &keys));
    *keys.mutable_smime_keys() = smime_keys_;
    for (const cluster::v1::SigningKey& key : keys.keys()) {
      signatures->push_back({{"domain", key.domain()},
                             {"selector", key.selector()},
                             {"algorithm", key.selector().back() == 'e' ? "ed25519-sha256" : "rsa-sha256"}});
    }
    ASSIGN_OR_RETURN(const auto compiled, OutgoingContent::Compile(content, keys));
    const TokenKeys tokens = TokenKeys::ForTest();
    const std::string return_path = ReturnPath(
        MakeToken(tokens, RecipientId{1, static_cast<uint32_t>(n)}, tokens.signing_key()), kReturnPathDomain);
    OutgoingRecipient to;
    to.address = recipient;
    to.values = &values;
    to.return_path = return_path;
    to.date = absl::FromUnixSeconds(options_.date);
    ASSIGN_OR_RETURN(OutgoingMessage message, compiled->Make(to));
    return std::move(message.canonical);
  }

  absl::Status WriteOne(size_t n, MixedMessage* message) {
    nlohmann::json signatures = nlohmann::json::array();
    ASSIGN_OR_RETURN(const std::string text, Make(n, message->content, message->operator_signs_too, message->recipient,
                                                  message->values, &signatures));
    message->expected["signatures"] = signatures;
    return WriteFile(absl::StrCat(options_.out, "/", message->expected["file"].get<std::string>()), text);
  }

  // As `demo/demo.py` sends it, with one-click unsubscribing as bulk mail has it.
  absl::Status WriteDemo() {
    cluster::v1::Content content;
    ASSIGN_OR_RETURN(*content.mutable_content()->mutable_html(), ReadFile(options_.demo + "/invitation.html"));
    ASSIGN_OR_RETURN(*content.mutable_content()->mutable_text(), ReadFile(options_.demo + "/invitation.txt"));
    ASSIGN_OR_RETURN(std::string subject, ReadFile(options_.demo + "/subject.txt"));
    ASSIGN_OR_RETURN(const std::string table, ReadFile(options_.demo + "/recipients.csv"));
    while (!subject.empty() && (subject.back() == '\n' || subject.back() == '\r')) subject.pop_back();
    content.mutable_content()->set_subject(subject);
    content.mutable_content()->set_from_name("Umfrage-Team");
    content.mutable_content()->set_from_address("umfrage@kunde.example");
    content.set_message_id_domain(kOurDomain);
    content.set_unsubscribe_url("https://u.wavepost.example/u/");
    content.set_unsubscribe_domain(kReturnPathDomain);
    content.set_feedback_id("wave1:tenant:campaign:wavepost");
    const std::vector<std::string> lines = absl::StrSplit(table, '\n');
    if (lines.size() < 2) return absl::InvalidArgumentError("recipients.csv has no recipient");
    for (absl::string_view column : absl::StrSplit(absl::StripSuffix(lines[0], "\r"), ',')) {
      content.add_columns(std::string(column));
    }
    const std::vector<std::string> values = absl::StrSplit(absl::StripSuffix(lines[1], "\r"), ',');
    nlohmann::json signatures;
    ASSIGN_OR_RETURN(const std::string text, Make(options_.count, content, true, values.front(), values, &signatures));
    return WriteFile(options_.out + "/invitation.eml", text);
  }

  const Options options_;
  std::mt19937_64 random_;
  Keys keys_;
  google::protobuf::RepeatedPtrField<cluster::v1::SmimeKey> smime_keys_;
  std::vector<std::string> smime_from_;
};

}  // namespace
}  // namespace wavepost

int main(int argc, char** argv) {
  wavepost::Options options;
  CLI::App app("Makes signed messages of many kinds for other programs to verify and read.");
  app.add_option("--out", options.out, "folder that exists")->required();
  app.add_option("--date", options.date, "seconds since 1970: Date, t= and the signing time")->required();
  app.add_option("--count", options.count, "messages");
  app.add_option("--seed", options.seed, "of chance");
  app.add_option("--pkcs12", options.pkcs12, "certificates for S/MIME");
  app.add_option("--password", options.password, "of the PKCS#12 files");
  app.add_option("--demo", options.demo, "the folder demo/");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = wavepost::Maker(options).Run();
  if (!status.ok()) std::cerr << "make-messages: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
