#include "coordinator/domains/dkim_record.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/strings.h"

namespace wavepost {
namespace {

const DkimWanted kWanted = {"s._domainkey.x.test", "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"};

TEST(JudgeDkimText, ToleratesWhatReceiversTolerate) {
  for (const char* text : {
           "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
           "v=DKIM1;k=rsa;p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A;",
           " v = DKIM1 ; p = MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A ",
           "p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A; n=a note; x=unknown",
           "v=DKIM1; h=sha1:sha256; s=*; t=s; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
           "v=DKIM1; s=other:email; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
       }) {
    const Verdict verdict = JudgeDkimText(kWanted, {}, {text});
    EXPECT_EQ(verdict.state, v1::RecordCheck::OK) << text << ": " << verdict.problem;
    EXPECT_EQ(verdict.advice, "") << text;
  }
}

// What stands there comes from anybody; the sentence stays printable and short.
TEST(JudgeDkimText, HostileText) {
  for (const std::string& text :
       {std::string(4096, '\x1b'), std::string(4096, ';'), std::string(4096, '='), std::string("\xff\xfe\n\r\0p=", 7),
        "p=" + std::string(4000, '\xc3'), std::string()}) {
    for (const std::vector<std::string>& texts :
         {std::vector<std::string>{text}, std::vector<std::string>{text, text}, std::vector<std::string>(32, text)}) {
      const Verdict verdict = JudgeDkimText(kWanted, {kWanted}, texts);
      EXPECT_EQ(verdict.state, v1::RecordCheck::WRONG);
      EXPECT_TRUE(IsUtf8(verdict.advice));
      EXPECT_EQ(verdict.advice.find_first_of("\n\r\x1b"), std::string::npos);
      EXPECT_LT(verdict.advice.size(), 1200u);
    }
  }
}

}  // namespace
}  // namespace wavepost
