#include "bouncer/aggregate/tls_json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "bouncer/aggregate/dmarc_rows.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

absl::StatusOr<v1::TlsReport> Read(std::string_view text) {
  ASSIGN_OR_RETURN(Unpacker in, Unpacker::Open(text));
  return ReadTlsJson(in);
}

constexpr std::string_view kPolicy =
    R"({"policy":{"policy-type":"sts","policy-domain":"bounce.example"},)"
    R"("summary":{"total-successful-session-count":10,"total-failure-session-count":3},)"
    R"("failure-details":[{"result-type":"certificate-expired","sending-mta-ip":"192.0.2.7",)"
    R"("receiving-mx-hostname":"mx.bounce.example","failed-session-count":3,"additional-information":"x",)"
    R"("failure-reason-code":"old"}]})";

std::string TlsText(std::string_view policies) {
  return absl::StrCat(
      R"({"organization-name":"receiver.example","date-range":{"start-datetime":"2023-11-15T00:00:00Z",)",
      R"("end-datetime":"2023-11-15T23:59:59Z"},"contact-info":"tls@receiver.example","report-id":"9",)",
      R"("policies":[)", Av(policies), "]}");
}

std::string With(std::string_view from, std::string_view to) {
  return absl::StrReplaceAll(TlsText(kPolicy), {{Av(from), Av(to)}});
}

std::string OneLine(const v1::TlsReport& report) {
  std::string out = absl::StrCat(
      report.org_name(), " ", report.report_id().substr(0, 1) == "-" ? "-" : report.report_id(), " ",
      report.end_time().seconds() - report.begin_time().seconds(), report.incomplete() ? " incomplete" : "");
  for (const v1::TlsPolicyResult& policy : report.policies()) {
    absl::StrAppend(&out, " | ", policy.policy_type(), " ", policy.policy_domain(), " ", policy.successful_sessions(),
                    "+", policy.failed_sessions());
    for (const v1::TlsFailure& failure : policy.failures()) {
      absl::StrAppend(&out, " (", failure.result_type(), " ", failure.sending_mta_ip(), " ", failure.receiving_mx(),
                      " ", failure.sessions(), " ", failure.reason(), ")");
    }
  }
  return out;
}

TEST(TlsJsonTest, ReadsVariants) {
  const std::string usual = "receiver.example 9 86399";
  const std::string policy = " | sts bounce.example 10+3 (certificate-expired 192.0.2.7 mx.bounce.example 3 old)";
  const std::vector<std::tuple<std::string, std::string, std::string>> rows = {
      {"Usual", With("", ""), usual + policy},
      {"Twice", TlsText(absl::StrCat(Av(kPolicy), ",", Av(kPolicy))), usual + policy + policy},
      {"NumbersAsTexts", With(":3,", ":\"3\","), usual + policy},
      {"NumbersWithPoint", With(":3,", ":3.0,"), usual + policy},
      {"UnknownMembers",
       With("\"policies\":", "\"x\":{\"policies\":[{\"policy\":{}}]},\"y\":[1,[2,null,true]],\"policies\":"),
       usual + policy},
      {"CapitalNames", With("organization-name", "Organization-Name"), usual + policy},
      {"DomainInCapitals", With("\"bounce.example\"", "\"BOUNCE.example.\""), usual + policy},
      {"NoReportId", With("\"report-id\":\"9\",", ""), "receiver.example - 86399" + policy},
      {"NoName", With("\"organization-name\":\"receiver.example\",", ""), usual + policy},
      {"NoDetails", With("failure-details", "failure"), usual + " | sts bounce.example 10+3"},
      {"OnlyInformation", With("failure-reason-code", "other"),
       usual + " | sts bounce.example 10+3 (certificate-expired 192.0.2.7 mx.bounce.example 3 x)"},
      {"BadSource", With("192.0.2.7", "somewhere"),
       usual + " | sts bounce.example 10+3 (certificate-expired  mx.bounce.example 3 old)"},
      {"NegativeCount", With("\"failed-session-count\":3", "\"failed-session-count\":-3"),
       usual + " incomplete | sts bounce.example 10+3"},
      {"NoResultType", With("result-type", "type"), usual + " incomplete | sts bounce.example 10+3"},
      {"OnePolicyBad", TlsText(absl::StrCat(R"({"policy":{"policy-type":"sts"}},)", Av(kPolicy))),
       usual + " incomplete" + policy},
      {"HugeCount",
       TlsText(absl::StrCat(R"({"policy":{"policy-domain":"a.example"},"summary":)",
                            R"({"total-successful-session-count":1e300}},)", Av(kPolicy))),
       usual + " incomplete" + policy},
      {"JunkBehind", TlsText(kPolicy) + " junk", usual + policy},
  };
  for (const auto& [name, text, want] : rows) {
    SCOPED_TRACE(name);
    const auto got = Read(text);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(OneLine(*got), want);
  }
}

TEST(TlsJsonTest, Refuses) {
  const std::string usual = TlsText(kPolicy);
  const std::vector<std::tuple<std::string, std::string, absl::StatusCode, std::string>> rows = {
      {"Cut", usual.substr(0, usual.size() / 2), absl::StatusCode::kInvalidArgument, "broken"},
      {"OtherJson", "{\"a\":[1,2]}", absl::StatusCode::kInvalidArgument, "no policies"},
      {"NoPolicies", TlsText(""), absl::StatusCode::kInvalidArgument, "no policies"},
      {"NoDates", With("start-datetime", "start"), absl::StatusCode::kInvalidArgument, "date"},
      {"BadDate", With("2023-11-15T00:00:00Z", "November"), absl::StatusCode::kInvalidArgument, "date"},
      {"EndsFirst", With("2023-11-15T23:59:59Z", "2023-11-14T23:59:59Z"), absl::StatusCode::kInvalidArgument, "dates"},
      {"NotUtf8", With("certificate-expired", "\xFF"), absl::StatusCode::kInvalidArgument, "broken"},
      {"DeepArrays", "{\"a\":" + std::string(100'000, '['), absl::StatusCode::kResourceExhausted, "deep"},
      {"Long", "{\"a\":\"" + std::string(kJsonBytesMax, 'a') + "\"}", absl::StatusCode::kResourceExhausted, "bytes"},
  };
  for (const auto& [name, text, code, words] : rows) {
    SCOPED_TRACE(name);
    const auto got = Read(text);
    ASSERT_FALSE(got.ok()) << OneLine(*got);
    EXPECT_EQ(got.status().code(), code) << got.status();
    EXPECT_NE(got.status().message().find(words), std::string::npos) << got.status();
  }
}

TEST(TlsJsonTest, Limits) {
  std::string failures;
  for (int i = 0; i < kTlsFailuresMax + 1; ++i) {
    absl::StrAppend(&failures, i == 0 ? "" : ",", R"({"result-type":"r)", i, R"(","failed-session-count":1})");
  }
  const auto many =
      Read(TlsText(absl::StrCat(R"({"policy":{"policy-domain":"a.example"},"failure-details":[)", failures, "]}")));
  ASSERT_TRUE(many.ok()) << many.status();
  EXPECT_TRUE(many->incomplete());
  EXPECT_EQ(many->policies(0).failures_size(), kTlsFailuresMax);

  // More than is kept, of everything: the sums of the policies stay.
  std::string details;
  for (int i = 0; i < 30; ++i) {
    absl::StrAppend(&details, i == 0 ? "" : ",",
                    R"({"result-type":"r","failed-session-count":1,"failure-reason-code":")", std::string(100, 'r'),
                    R"("})");
  }
  std::string policies;
  for (int i = 0; i < kTlsPoliciesMax + 1; ++i) {
    absl::StrAppend(&policies, i == 0 ? "" : ",", R"({"policy":{"policy-domain":")", std::string(60, 'a'), ".",
                    std::string(60, 'b'), ".", std::string(60, 'c'), R"(.example"},"failure-details":[)", details,
                    "]}");
  }
  const auto large = Read(TlsText(policies));
  ASSERT_TRUE(large.ok()) << large.status();
  EXPECT_TRUE(large->incomplete());
  EXPECT_EQ(large->policies_size(), kTlsPoliciesMax);
  EXPECT_LE(large->ByteSizeLong(), kAggregateBytesMax);
}

}  // namespace
}  // namespace wavepost
