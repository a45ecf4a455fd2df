#include "tests/interop/messages/message_mix.h"

#include <openssl/sha.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/mail/verp.h"
#include "tests/interop/messages/languages.h"

namespace wavepost {
namespace {

constexpr size_t kLarge = 1'600'000;  // of text and HTML; encoded 2 MB
constexpr const char* kDomains[] = {"kunde.example", "client.example", "xn--kndchen-n2a.example"};

// What trips encoders: ends of lines, dots, mbox separators, boundaries, what looks encoded, lines beyond 998 bytes.
const std::vector<std::string>& Awkward() {
  static const std::vector<std::string>* const lines = new std::vector<std::string>{
      "trailing blanks  ",
      "trailing tab\t",
      ".",
      "..",
      ".leading dot",
      "From somebody Mon Jan  1 00:00:00 2026",
      ">From quoted",
      "--=_boundary",
      "--",
      "-- ",
      "=3D =\tnot encoded=",
      "=?utf-8?q?not_a_word?=",
      "",
      "",
      "\ttab\tseparated\tvalues",
      std::string(2500, 'x'),
      "a < b && c > d",
  };
  return *lines;
}

class Mixer {
 public:
  Mixer(size_t n, std::mt19937_64* random) : n_(n), language_(Languages()[n % Languages().size()]), random_(*random) {}

  MixedMessage Make(const std::vector<std::string>& smime_from) {
    MixedMessage out;
    v1::Content* const content = out.content.mutable_content();
    const bool smime = n_ % 20 == 11 && !smime_from.empty();
    const std::string domain = kDomains[n_ % 3];
    const std::string from = smime ? smime_from[n_ / 20 % smime_from.size()] : absl::StrCat("survey@", domain);
    out.recipient = absl::StrCat("person.", n_, n_ % 7 == 0 ? "+tag" : "", "@", n_ % 9 == 0 ? "sub." : "",
                                 n_ % 11 == 0 ? "xn--mller-kva.example" : "firma.example");
    out.operator_signs_too = n_ % 3 == 0;
    for (const char* column : {"name", "company"}) out.content.add_columns(column);
    out.values = {std::string(language_.name), std::string(language_.company)};
    content->set_subject(std::string(language_.subject));
    content->set_from_name(n_ % 10 == 9 ? "" : std::string(language_.from_name));
    content->set_from_address(from);
    content->set_smime(smime);
    out.content.set_message_id_domain("mail.wavepost.example");
    out.expected = {{"subject", Filled(language_.subject, false)},
                    {"from_name", content->from_name()},
                    {"from_address", from},
                    {"to", out.recipient},
                    {"smime", smime},
                    {"headers", nlohmann::json::object()},
                    {"attachments", nlohmann::json::array()}};
    AddBodies(&out);
    AddFiles(&out);
    AddHeaders(&out);
    return out;
  }

 private:
  size_t Draw(size_t below) { return random_() % below; }

  std::string Filled(std::string_view text, bool html) const {
    const auto escaped = [&](std::string_view value) {
      const std::string plain(value);
      return html ? absl::StrReplaceAll(plain, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&#39;"}}) : plain;
    };
    return absl::StrReplaceAll(std::string(text),
                               {{"{{name}}", escaped(language_.name)}, {"{{company}}", escaped(language_.company)}});
  }

  size_t BodyBytes() {
    if (n_ % 100 == 99) return kLarge;
    if (n_ % 20 == 7) return 100'000 + Draw(300'000);
    return 1000 + Draw(n_ % 2 == 0 ? 4000 : 14'000);
  }

  std::string Sentence() { return std::string(language_.sentences[Draw(language_.sentences.size())]); }

  void AddBodies(MixedMessage* out) {
    v1::Content* const content = out->content.mutable_content();
    const size_t bytes = BodyBytes();
    std::string text = "{{name}},\n\n";
    std::string html = absl::StrCat("<!DOCTYPE html>\n<html lang=\"", std::string(language_.code),
                                    "\"><head><title>x</title></head>\n<body>\n<p>{{name}} / {{company}}</p>\n");
    while (text.size() + html.size() < bytes) {
      const std::string sentence = Sentence();
      const bool awkward = Draw(6) == 0;
      const std::string& line = Awkward()[Draw(Awkward().size())];
      absl::StrAppend(&text, awkward ? line : sentence, Draw(3) == 0 ? " " : "\n");
      absl::StrAppend(&html, "<p>", awkward ? absl::StrReplaceAll(line, {{"&", "&amp;"}, {"<", "&lt;"}}) : sentence,
                      "</p>", Draw(3) == 0 ? "" : "\n");
    }
    absl::StrAppend(&text, "{{company}}\n");
    absl::StrAppend(&html, "<p><a href=\"https://umfrage.example/s/1?a=b&amp;c=d\">{{company}}</a></p>\n");
    if (n_ % 5 == 0) absl::StrAppend(&html, "<img src=\"cid:logo\" alt=\"\">\n");
    absl::StrAppend(&html, "</body></html>\n");
    const bool derived = n_ % 4 == 1;
    content->set_html(html);
    if (!derived) content->set_text(text);
    out->expected["html"] = Filled(html, true);
    out->expected["text"] = derived ? nlohmann::json() : nlohmann::json(Filled(text, false));
  }

  std::string Bytes(size_t size) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(random_() & 0xFF);
    return out;
  }

  void AddFile(MixedMessage* out, const std::string& name, const std::string& type, const std::string& id,
               const std::string& data) {
    v1::Attachment* const file = out->content.mutable_content()->add_attachments();
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest);
    const std::string hex = absl::BytesToHexString({reinterpret_cast<const char*>(digest), sizeof(digest)});
    file->set_file("tenants/t/files/" + hex);
    file->set_file_name(name);
    file->set_content_type(type);
    file->set_content_id(id);
    out->content.add_files(data);
    out->expected["attachments"].push_back({{"name", name}, {"type", type}, {"cid", id}, {"sha256", hex}});
  }

  void AddFiles(MixedMessage* out) {
    if (n_ % 5 == 0) {
      AddFile(out, n_ % 10 == 0 ? "logo.png" : "", "image/png", "logo", "\x89PNG\r\n\x1A\n" + Bytes(500 + Draw(3000)));
    }
    if (n_ % 3 == 1) {
      AddFile(out, std::string(language_.file_name), "application/pdf", "", "%PDF-1.4\n" + Bytes(Draw(40'000)));
    }
    if (n_ % 6 == 1) AddFile(out, "plain name.csv", "text/csv", "", "a;b\r\n1;2\r\n\xC3\xA9;\n");
    if (n_ % 12 == 1) AddFile(out, "leer.bin", "application/octet-stream", "", "");
    if (n_ % 200 == 199) AddFile(out, "large.bin", "application/octet-stream", "", Bytes(1'400'000));
    if (n_ % 30 == 13) {
      AddFile(out, absl::StrCat(std::string(60, 'n'), " ", std::string(language_.name), std::string(60, 'n'), ".pdf"),
              "application/pdf", "", Bytes(100));
    }
  }

  void AddHeaders(MixedMessage* out) {
    v1::Content* const content = out->content.mutable_content();
    const auto add = [&](const std::string& name, const std::string& value) {
      v1::Header* const header = content->add_headers();
      header->set_name(name);
      header->set_value(value);
      out->expected["headers"][name] = Filled(value, false);
    };
    if (n_ % 2 == 0) add("X-Campaign-Title", "{{company}}: " + Sentence());
    if (n_ % 4 == 0) add("X-MS-Exchange-Organization-SkipSafeLinksProcessing", "1");
    if (n_ % 8 == 3) content->set_reply_to("Antwort & \"mehr\" für {{name}} <reply@kunde.example>");
    out->expected["unsubscribe"] = n_ % 2 == 1;
    if (n_ % 2 == 1) {
      out->content.set_unsubscribe_url("https://u.wavepost.example/u/");
      out->content.set_unsubscribe_domain("bounce.wavepost.example");
    }
    content->set_auto_submitted(n_ % 13 == 0);
    if (n_ % 3 == 0) out->content.set_feedback_id("wave1:t:campaign:wavepost");
  }

  const size_t n_;
  const Language& language_;
  std::mt19937_64& random_;
};

}  // namespace

MixedMessage MakeMixedMessage(size_t n, const std::vector<std::string>& smime_from, std::mt19937_64* random) {
  return Mixer(n, random).Make(smime_from);
}

}  // namespace wavepost
