#include "bouncer/aggregate/aggregate.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "bouncer/aggregate/aggregate_test_util.h"
#include "bouncer/aggregate/mail_parts.h"

namespace wavepost {
namespace {

std::string Sample(std::string_view name) {
  std::ifstream in(absl::StrCat(WAVEPOST_SOURCE_DIR "/bouncer/aggregate/testdata/", Av(name)), std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  EXPECT_FALSE(out.str().empty()) << name;
  return out.str();
}

std::string OneLine(const AggregateReport& report) {
  std::string out;
  if (const auto* dmarc = std::get_if<v1::DmarcReport>(&report)) {
    out = absl::StrCat("dmarc ", dmarc->sender(), " ", dmarc->org_name(), " ", dmarc->domain(), " ", dmarc->policy(),
                       dmarc->incomplete() ? " incomplete" : "");
    for (const v1::DmarcRow& row : dmarc->rows()) {
      absl::StrAppend(&out, " | ", row.source_ip(), " ", row.count(), " ", row.disposition(),
                      row.dkim_aligned() ? " dkim" : "", row.spf_aligned() ? " spf" : "", " ", row.header_from(), " ",
                      row.envelope_from());
    }
  } else {
    const auto& tls = std::get<v1::TlsReport>(report);
    out = absl::StrCat("tls ", tls.sender(), " ", tls.org_name(), tls.incomplete() ? " incomplete" : "");
    for (const v1::TlsPolicyResult& policy : tls.policies()) {
      absl::StrAppend(&out, " | ", policy.policy_type(), " ", policy.policy_domain(), " ", policy.successful_sessions(),
                      "+", policy.failed_sessions(), " ", policy.failures_size());
    }
  }
  return out;
}

std::string TlsMail(std::string_view json) {
  return absl::StrCat(
      "From: tlsrpt@receiver.example\r\nTLS-Report-Domain: bounce.example\r\nTLS-Report-Submitter: receiver.example\r\n"
      "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=\"tlsrpt\"; boundary=\"b\"\r\n\r\n"
      "--b\r\nContent-Type: text/plain\r\n\r\nThis is an aggregate TLS report.\r\n--b\r\n",
      Base64Part("application/tlsrpt+gzip", "receiver.example!bounce.example!1!2.json.gz", GzipOf(json)),
      "\r\n--b--\r\n");
}

const char kFrom[] = "noreply@receiver.example ";

TEST(AggregateReportTest, Reads) {
  const std::string google =
      absl::StrCat("dmarc ", kFrom,
                   "google.com example.com quarantine | 192.0.2.10 1180 none dkim example.com bounce.example | "
                   "203.0.113.9 20 quarantine example.com spam.example");
  const std::string yahoo = absl::StrCat(
      "dmarc ", kFrom, "Yahoo example.com reject | 2001:db8::10 7 none dkim spf news.example.com news.example.com");
  const std::string microsoft = absl::StrCat(
      "dmarc ", kFrom, "Enterprise Outlook example.com none | 192.0.2.10 3 none spf example.com bounce.example.com");
  const std::string mailru =
      absl::StrCat("dmarc ", kFrom, "Mail.Ru example.com none | 198.51.100.77 3 none example.com example.com");
  const std::string nextrfc = absl::StrCat(
      "dmarc ", kFrom, "Receiver & Sons example.com reject | 192.0.2.10 12 none dkim example.com bounce.example");
  const std::string tls = "Google Inc. | sts bounce.example 5326+3 0";
  const std::string g = Sample("google.xml");
  const std::string m = Sample("microsoft.xml");
  const std::string zipped = Base64Part("application/zip", "google.com!example.com!1700006400!1700092799.zip",
                                        ZipOf({{"google.com!example.com!1700006400!1700092799.xml", g}}));
  const std::vector<std::tuple<std::string, std::string, std::string>> rows = {
      {"GoogleBareZip", BareMail(zipped), google},
      {"YahooGzip",
       MixedMail(Base64Part("application/gzip", "yahoo.com!example.com!1!2.xml.gz", GzipOf(Sample("yahoo.xml")))),
       yahoo},
      {"MicrosoftGzip",
       MixedMail(Base64Part("application/gzip", "enterprise.protection.outlook.com!a!1!2.xml.gz", GzipOf(m))),
       microsoft},
      {"MicrosoftZipOctets",
       MixedMail(Base64Part("application/octet-stream", "report", ZipOf({{"a.xml", m}}, "", false))), microsoft},
      {"MicrosoftRelated",
       MixedMail(
           absl::StrCat("Content-Type: multipart/related; boundary=\"y\"\r\n\r\n--y\r\nContent-Type: text/html\r\n\r\n",
                        "<html><body>Report</body></html>\r\n--y\r\n",
                        Base64Part("application/gzip", "a.xml.gz", GzipOf(m)), "\r\n--y--\r\n")),
       microsoft},
      {"MailRuGzipWrongType",
       MixedMail(Base64Part("text/plain", "mail.ru!example.com!1!2.xml.gz", GzipOf(Sample("mailru.xml")))), mailru},
      {"PlainXml",
       MixedMail(absl::StrCat("Content-Type: text/xml; name=a.xml\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
                              Sample("rfc9990.xml"))),
       nextrfc},
      {"XmlIsTheBody", BareMail(absl::StrCat("Content-Type: text/plain\r\n\r\n", g)), google},
      {"XmlWithoutMime", absl::StrCat("From: noreply@receiver.example\r\n\r\n", g), google},
      {"Forwarded",
       absl::StrCat("From: boss@example.com\r\nMIME-Version: 1.0\r\n", "Content-Type: message/rfc822\r\n\r\n",
                    MixedMail(zipped)),
       absl::StrReplaceAll(google, {{kFrom, "boss@example.com "}})},
      {"AnotherXmlFirst",
       MixedMail(absl::StrCat("Content-Type: application/xml\r\n\r\n<settings/>\r\n--x\r\n", zipped)), google},
      {"TlsGzip", TlsMail(Sample("google_tls.json")), "tls tlsrpt@receiver.example " + tls},
      {"TlsJson", MixedMail(absl::StrCat("Content-Type: application/tlsrpt+json\r\n\r\n", Sample("google_tls.json"))),
       absl::StrCat("tls ", kFrom, tls)},
      {"TlsJsonBare", BareMail(Base64Part("application/tlsrpt+json", "a.json", Sample("microsoft_tls.json"))),
       absl::StrCat("tls ", kFrom,
                    "Microsoft Corporation | tlsa bounce.example 10+303 2 | no-policy-found example.com 4+0 0")},
  };
  for (const auto& [name, mail, want] : rows) {
    SCOPED_TRACE(name);
    const auto got = ReadAggregateReport(mail);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(OneLine(*got), want);
  }
}

TEST(AggregateReportTest, Refuses) {
  const std::string xml = Sample("google.xml");
  std::string nested = "Content-Type: text/plain\r\n\r\nx";
  for (int i = 0; i < 15; ++i) {
    nested = absl::StrCat("Content-Type: multipart/mixed; boundary=b", i, "\r\n\r\n--b", i, "\r\n", nested, "\r\n--b",
                          i, "--\r\n");
  }
  std::string many = "Content-Type: multipart/mixed; boundary=m\r\n\r\n";
  for (int i = 0; i < 150; ++i) absl::StrAppend(&many, "--m\r\nContent-Type: text/plain\r\n\r\nx\r\n");
  absl::StrAppend(&many, "--m\r\n", Base64Part("application/gzip", "a.gz", GzipOf(xml)), "--m--\r\n");
  const std::vector<std::tuple<std::string, std::string, absl::StatusCode>> rows = {
      {"Nothing", "", absl::StatusCode::kNotFound},
      {"NoMail", std::string(1000, '\0'), absl::StatusCode::kNotFound},
      {"Person", "From: a@b.example\r\n\r\nWhat are these reports?\r\n", absl::StatusCode::kNotFound},
      {"HtmlMail", "From: a@b.example\r\nContent-Type: text/html\r\n\r\n<html></html>\r\n",
       absl::StatusCode::kNotFound},
      {"Picture", MixedMail(Base64Part("image/png", "a.png", "\x89PNG....")), absl::StatusCode::kNotFound},
      {"BrokenGzip", MixedMail(Base64Part("application/gzip", "a.gz", GzipOf(xml).substr(0, 100))),
       absl::StatusCode::kInvalidArgument},
      {"Word", MixedMail(Base64Part("application/zip", "a.docx", ZipOf({{"[Content_Types].xml", "<Types></Types>"}}))),
       absl::StatusCode::kInvalidArgument},
      {"Bomb", MixedMail(Base64Part("application/gzip", "a.gz", GzipOf("<feedback>" + std::string(50 << 20, ' ')))),
       absl::StatusCode::kResourceExhausted},
      {"TooDeep", BareMail(nested), absl::StatusCode::kNotFound},
      {"TooManyParts", BareMail(many), absl::StatusCode::kNotFound},
  };
  for (const auto& [name, mail, code] : rows) {
    SCOPED_TRACE(name);
    const auto got = ReadAggregateReport(mail);
    ASSERT_FALSE(got.ok()) << OneLine(*got);
    EXPECT_EQ(got.status().code(), code) << got.status();
  }
}

// A cut at any byte is an error or a report, never a crash; and never more messages than the whole one has.
TEST(AggregateReportTest, CutAnywhere) {
  for (const std::string& mail :
       {MixedMail(Base64Part("application/zip", "a.zip", ZipOf({{"a.xml", Sample("google.xml")}}))),
        TlsMail(Sample("microsoft_tls.json"))}) {
    for (size_t size = 0; size < mail.size(); size += 7) {
      const auto got = ReadAggregateReport(std::string_view(mail).substr(0, size));
      if (!got.ok() || !std::holds_alternative<v1::DmarcReport>(*got)) continue;
      int64_t sum = 0;
      for (const v1::DmarcRow& row : std::get<v1::DmarcReport>(*got).rows()) sum += row.count();
      EXPECT_LE(sum, 1200);
    }
  }
}

TEST(AggregateReportTest, TenMegabytesOfMail) {
  // Just below the limit of a mail; beyond it the part is cut, and its archive broken.
  std::string rows;
  for (int i = 0; i < 13'000; ++i) rows += DmarcRecord(absl::StrCat("10.0.", i / 256, ".", i % 256), 1);
  const std::string fits = MixedMail(Base64Part("text/xml", "a.xml", DmarcXml(rows)));
  ASSERT_LT(fits.size(), kAggregateMailBytesMax);
  const auto got = ReadAggregateReport(fits);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(std::get<v1::DmarcReport>(*got).rows_size(), 10'000);

  const std::string over = MixedMail(Base64Part("text/xml", "a.xml", DmarcXml(rows + rows + rows)));
  ASSERT_GT(over.size(), kAggregateMailBytesMax);
  EXPECT_EQ(ReadAggregateReport(over).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace wavepost
