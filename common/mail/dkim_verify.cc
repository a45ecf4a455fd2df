#include "common/mail/dkim_verify.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/strings.h"
#include "common/mail/dkim_canon.h"
#include "common/mail/dkim_hash.h"
#include "common/mail/openssl_ptr.h"

namespace wavepost {
namespace {

constexpr int kKeyBitsMin = 1024;  // RFC 8301 section 3.2
constexpr int kKeyBitsMax = 8192;  // what a hostile record may make us compute
constexpr size_t kTagsMax = 50;
constexpr size_t kTxtBytesMax = 16 * 1024;

using Tags = std::map<std::string, std::string, std::less<>>;

std::string_view StripSpace(std::string_view s) {
  return Sv(absl::StripAsciiWhitespace(Av(s)));
}

std::string WithoutSpace(std::string_view s) {
  std::string out(s);
  std::erase_if(out, [](char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); });
  return out;
}

// Calls `each(part)` for the parts between `separator`; stops when it returns false.
template <class Each>
bool ForEachPart(std::string_view text, char separator, Each each) {
  for (;;) {
    const size_t end = text.find(separator);
    if (!each(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

// tag-list of RFC 6376 section 3.2; nothing if it is not one.
std::optional<Tags> ParseTags(std::string_view text) {
  Tags tags;
  bool last_empty = false;
  const bool good = ForEachPart(text, ';', [&](std::string_view part) {
    if (last_empty) return false;  // only behind the last semicolon may there be nothing
    part = StripSpace(part);
    if (part.empty()) return last_empty = true;
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0 || tags.size() >= kTagsMax) return false;
    return tags.emplace(StripSpace(part.substr(0, equals)), StripSpace(part.substr(equals + 1))).second;
  });
  if (!good || tags.empty()) return std::nullopt;
  return tags;
}

std::string_view Get(const Tags& tags, std::string_view name) {
  const auto found = tags.find(name);
  return found == tags.end() ? std::string_view() : std::string_view(found->second);
}

// The signature's own field with an empty b= (section 3.5), for hashing.
std::string WithoutSignature(std::string_view raw) {
  std::string out;
  const size_t colon = raw.find(':');
  out.append(raw.substr(0, colon + 1));
  bool first = true;
  ForEachPart(raw.substr(colon + 1), ';', [&](std::string_view part) {
    if (!first) out.push_back(';');
    first = false;
    const size_t equals = part.find('=');
    const bool is_b = equals != std::string_view::npos && StripSpace(part.substr(0, equals)) == "b";
    out.append(is_b ? part.substr(0, equals + 1) : part);
    return true;
  });
  return out;
}

struct Signature {
  Tags tags;
  DkimCanon header = DkimCanon::kSimple;
  DkimCanon body = DkimCanon::kSimple;
  std::vector<std::string> names;  // h=, lower case
  std::string body_hash;
  std::string bytes;  // b=
  std::optional<uint64_t> body_length;
  std::optional<int64_t> expires;
};

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool ParseCanon(std::string_view word, DkimCanon* canon) {
  *canon = word == "relaxed" ? DkimCanon::kRelaxed : DkimCanon::kSimple;
  return word == "relaxed" || word == "simple";
}

// Reads a signature's tags; an empty string, or what is wrong with them.
std::string ReadSignature(std::string_view value, Signature* out) {
  std::optional<Tags> tags = ParseTags(value);
  if (!tags.has_value()) return "not a list of tags";
  out->tags = *std::move(tags);
  const Tags& t = out->tags;
  for (std::string_view name : {"v", "a", "b", "bh", "d", "h", "s"}) {
    if (Get(t, name).empty()) return absl::StrCat("the tag ", Av(name), "= is missing");
  }
  if (Get(t, "v") != "1") return "the version is not 1";
  if (!IsOneOf(Get(t, "a"), {"rsa-sha256", "ed25519-sha256"})) {
    return "the algorithm is neither rsa-sha256 nor ed25519-sha256";
  }
  std::string_view canon = Get(t, "c").empty() ? std::string_view("simple") : Get(t, "c");
  const size_t slash = canon.find('/');
  if (!ParseCanon(canon.substr(0, slash), &out->header) ||
      (slash != std::string_view::npos && !ParseCanon(canon.substr(slash + 1), &out->body))) {
    return "unknown canonicalization";
  }
  ForEachPart(Get(t, "h"), ':', [&](std::string_view name) {
    out->names.push_back(AsciiLower(StripSpace(name)));
    return out->names.size() <= kDkimSignedNamesMax;
  });
  if (out->names.size() > kDkimSignedNamesMax) return "too many signed fields";
  if (std::find(out->names.begin(), out->names.end(), "from") == out->names.end()) return "From is not signed";
  const std::string_view domain = Get(t, "d");
  if (const std::string_view identity = Get(t, "i"); !identity.empty()) {
    const std::string_view host = identity.substr(std::min(identity.rfind('@'), identity.size() - 1) + 1);
    const bool below = host.size() > domain.size() && host[host.size() - domain.size() - 1] == '.' &&
                       EqualsIgnoreCase(host.substr(host.size() - domain.size()), domain);
    if (!below && !EqualsIgnoreCase(host, domain)) return "i= is not within d=";
  }
  const auto body_hash = Base64Decode(WithoutSpace(Get(t, "bh")));
  const auto bytes = Base64Decode(WithoutSpace(Get(t, "b")));
  if (!body_hash.has_value() || !bytes.has_value()) return "bh= or b= is not base64";
  out->body_hash = *body_hash;
  out->bytes = *bytes;
  if (t.contains("l")) {
    uint64_t length = 0;
    if (!absl::SimpleAtoi(Av(Get(t, "l")), &length)) return "l= is not a number";
    out->body_length = length;
  }
  if (t.contains("x")) {
    int64_t expires = 0;
    if (!absl::SimpleAtoi(Av(Get(t, "x")), &expires)) return "x= is not a number";
    out->expires = expires;
  }
  return "";
}

bool HasWord(std::string_view list, std::string_view word) {
  bool found = false;
  ForEachPart(list, ':', [&](std::string_view part) {
    found |= StripSpace(part) == word;
    return true;
  });
  return found;
}

// A public key, or nullptr. Reading one costs OpenSSL 3 several times what checking a signature does, and message after
// message brings the same one: each thread keeps its last of each kind.
//
// bytes: SubjectPublicKeyInfo; of Ed25519 the bare key (RFC 8463 section 4.2).
std::shared_ptr<EVP_PKEY> PublicKey(bool ed25519, const std::string& bytes) {
  struct Last {
    std::string bytes;
    std::shared_ptr<EVP_PKEY> key;
  };
  thread_local Last kept[2];
  Last& last = kept[ed25519 ? 1 : 0];
  if (last.key == nullptr || last.bytes != bytes) {
    const unsigned char* at = reinterpret_cast<const unsigned char*>(bytes.data());
    EVP_PKEY* key = ed25519 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, at, bytes.size())
                            : d2i_PUBKEY(nullptr, &at, static_cast<long>(bytes.size()));
    last = {bytes, OpensslPtr<EVP_PKEY>(key)};
    ERR_clear_error();
  }
  return last.key;
}

// The public key of a TXT record (section 3.6.1), or nullptr and what is wrong with it.
std::shared_ptr<EVP_PKEY> ReadKey(std::string_view txt, const Signature& signature, std::string* problem) {
  const std::optional<Tags> tags = txt.size() <= kTxtBytesMax ? ParseTags(txt) : std::nullopt;
  const auto refuse = [&](std::string_view what) {
    *problem = what;
    return std::shared_ptr<EVP_PKEY>();
  };
  if (!tags.has_value()) return refuse("the key record is not a list of tags");
  if (tags->contains("v") && Get(*tags, "v") != "DKIM1") return refuse("the key record is not of DKIM1");
  const bool ed25519 = Get(signature.tags, "a") == "ed25519-sha256";
  const std::string_view kind = tags->contains("k") ? Get(*tags, "k") : std::string_view("rsa");
  if (ed25519 && kind != "ed25519") return refuse("the key is not of kind ed25519");
  if (!ed25519 && kind != "rsa") return refuse("the key is not of kind rsa");
  if (tags->contains("h") && !HasWord(Get(*tags, "h"), "sha256")) return refuse("the key is not for sha256");
  if (tags->contains("s") && !HasWord(Get(*tags, "s"), "*") && !HasWord(Get(*tags, "s"), "email")) {
    return refuse("the key is not for mail");
  }
  const std::string_view identity = Get(signature.tags, "i");
  if (HasWord(Get(*tags, "t"), "s") && !identity.empty() &&
      !EqualsIgnoreCase(identity.substr(identity.rfind('@') + 1), Get(signature.tags, "d"))) {
    return refuse("the key forbids subdomains in i=");
  }
  const std::string encoded = WithoutSpace(Get(*tags, "p"));
  if (encoded.empty()) return refuse("the key is revoked");
  const std::optional<std::string> bytes = Base64Decode(encoded);
  if (!bytes.has_value()) return refuse("the key is not base64");
  const std::shared_ptr<EVP_PKEY> key = PublicKey(ed25519, *bytes);
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != (ed25519 ? EVP_PKEY_ED25519 : EVP_PKEY_RSA)) {
    return refuse("the key cannot be read");
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (!ed25519 && (bits < kKeyBitsMin || bits > kKeyBitsMax))
    return refuse(absl::StrCat("the key has ", bits, " bits"));
  return key;
}

bool Verifies(EVP_PKEY* key, std::string_view input, std::string_view signature) {
  const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const bool ed25519 = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
  const auto digest = Sha256(input);  // what Ed25519 signs (RFC 8463 section 3)
  const unsigned char* data = ed25519 ? digest.data() : reinterpret_cast<const unsigned char*>(input.data());
  const bool good = context != nullptr &&
                    EVP_DigestVerifyInit(context.get(), nullptr, ed25519 ? nullptr : EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                                     signature.size(), data, ed25519 ? digest.size() : input.size()) == 1;
  ERR_clear_error();
  return good;
}

// What the signature was computed over (sections 3.7, 5.4.2).
std::string SignedHeaders(const std::vector<HeaderField>& fields, const HeaderField& own, const Signature& signature) {
  std::map<std::string, std::vector<const HeaderField*>, std::less<>> by_name;  // in message order
  for (const HeaderField& field : fields) by_name[AsciiLower(field.name)].push_back(&field);
  std::string out;
  for (const std::string& name : signature.names) {
    const auto found = by_name.find(name);
    if (found == by_name.end() || found->second.empty()) continue;  // signed as absent
    AppendCanonHeader(*found->second.back(), signature.header, &out);
    out.append("\r\n");
    found->second.pop_back();
  }
  const std::string stripped = WithoutSignature(own.raw);
  AppendCanonHeader(SplitHeaderFields(stripped, 1).front(), signature.header, &out);
  return out;
}

DkimCheck CheckOne(const std::vector<HeaderField>& fields, const HeaderField& own, std::string_view body,
                   const DkimTxtLookup& txt, std::optional<absl::Time> now) {
  DkimCheck out;
  const auto result = [&](DkimResult value, std::string detail) {
    out.result = value;
    out.detail = std::move(detail);
    return out;
  };
  Signature signature;
  std::string problem = ReadSignature(own.value, &signature);
  out.domain = Printable(AsciiLower(Get(signature.tags, "d")), 255);
  out.selector = Printable(Get(signature.tags, "s"), 255);
  if (problem.empty()) out.algorithm = Get(signature.tags, "a");
  if (!problem.empty()) return result(DkimResult::kMalformed, std::move(problem));
  if (signature.expires.has_value() && now.has_value() && *now > absl::FromUnixSeconds(*signature.expires)) {
    return result(DkimResult::kFail, "the signature has expired");
  }

  std::string canon = CanonBody(body, signature.body);
  if (signature.body_length.has_value()) {
    if (*signature.body_length > canon.size()) return result(DkimResult::kFail, "the body is shorter than l=");
    canon.resize(*signature.body_length);
  }
  const auto digest = Sha256(canon);
  if (signature.body_hash != std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size())) {
    return result(DkimResult::kFail, "the body has been changed");
  }

  const std::optional<std::string> record = txt(absl::StrCat(out.selector, "._domainkey.", out.domain));
  if (!record.has_value()) return result(DkimResult::kKeyMissing, "there is no key in the DNS");
  const std::shared_ptr<EVP_PKEY> key = ReadKey(*record, signature, &problem);
  if (key == nullptr) return result(DkimResult::kKeyBad, std::move(problem));
  if (!Verifies(key.get(), SignedHeaders(fields, own, signature), signature.bytes)) {
    return result(DkimResult::kFail, "a signed header field has been changed, or the key is another one");
  }
  return result(DkimResult::kPass, "signed by the domain");
}

}  // namespace

std::string_view DkimResultName(DkimResult result) {
  switch (result) {
    case DkimResult::kNone:
      return "none";
    case DkimResult::kPass:
      return "pass";
    case DkimResult::kFail:
      return "fail";
    case DkimResult::kKeyMissing:
      return "key_missing";
    case DkimResult::kKeyBad:
      return "key_bad";
    case DkimResult::kMalformed:
      return "malformed";
  }
  return "malformed";
}

namespace {

// Checks signatures from the top until `each` returns false.
void ForEachSignature(std::string_view message, const DkimTxtLookup& txt, std::optional<absl::Time> now,
                      const std::function<bool(DkimCheck)>& each) {
  // The block ends at the first empty line; a message may lack a body.
  const size_t end = message.substr(0, 2) == "\r\n" ? 0 : message.find("\r\n\r\n");
  const std::string_view headers = end == std::string_view::npos ? message : message.substr(0, end == 0 ? 0 : end + 2);
  const std::string_view body = end == std::string_view::npos ? std::string_view() : message.substr(headers.size() + 2);
  std::vector<HeaderField> fields;
  if (headers.size() <= kDkimHeaderBytesMax) fields = SplitHeaderFields(headers, kDkimFieldsMax + 1);
  if (headers.size() > kDkimHeaderBytesMax || body.size() > kDkimBodyBytesMax || fields.size() > kDkimFieldsMax) {
    DkimCheck out;
    out.result = DkimResult::kMalformed;
    out.detail = "the message is too large to be checked";
    each(std::move(out));
    return;
  }
  size_t signatures = 0;
  for (const HeaderField& field : fields) {
    if (!EqualsIgnoreCase(field.name, "dkim-signature")) continue;
    if (++signatures > kDkimSignaturesMax || !each(CheckOne(fields, field, body, txt, now))) return;
  }
}

}  // namespace

DkimCheck VerifyDkim(std::string_view message, const DkimTxtLookup& txt, std::optional<absl::Time> now) {
  DkimCheck out;
  out.detail = "the message is not signed";
  ForEachSignature(message, txt, now, [&](DkimCheck check) {
    const bool passed = check.result == DkimResult::kPass;
    if (passed || out.result == DkimResult::kNone) out = std::move(check);
    return !passed;
  });
  return out;
}

std::vector<DkimCheck> VerifyDkimEach(std::string_view message, const DkimTxtLookup& txt,
                                      std::optional<absl::Time> now) {
  std::vector<DkimCheck> out;
  ForEachSignature(message, txt, now, [&](DkimCheck check) {
    out.push_back(std::move(check));
    return true;
  });
  return out;
}

}  // namespace wavepost
