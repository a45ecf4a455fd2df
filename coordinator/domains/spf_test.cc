#include "coordinator/domains/spf.h"

#include <gtest/gtest.h>

#include <string>

#include "coordinator/domains/spf_mend.h"

namespace wavepost {
namespace {

TEST(ParseSpf, Terms) {
  const struct {
    const char* term;
    bool good;
  } rows[] = {
      {"all", true},
      {"-ALL", true},
      {"all:x.test", false},
      {"include:x.test", true},
      {"include", false},
      {"include:", false},
      {"include:localhost", false},
      {"include:%{d}._spf.x.test", true},
      {"include:%{d._spf.x.test", false},
      {"include:%d.x.test", false},
      {"include:a..test", false},
      {"a", true},
      {"a/24", true},
      {"a//64", true},
      {"a/24//64", true},
      {"a/33", false},
      {"a/024", false},
      {"a//129", false},
      {"a:x.test/24", true},
      {"a:", false},
      {"a:192.0.2.1", true},  // reads as a name: section 5.3 has no rule against it
      {"mx:x.test", true},
      {"ptr", true},
      {"ptr:x.test", true},
      {"ip4:192.0.2.1", true},
      {"ip4:192.0.2.0/24", true},
      {"ip4:192.0.2.0/", false},
      {"ip4:2001:db8::1", false},
      {"ip4", false},
      {"ip6:2001:db8::/32", true},
      {"ip6:fe80::1%25eth0", false},
      {"ip6:192.0.2.1", false},
      {"exists:%{i}.x.test", true},
      {"exists", false},
      {"redirect=x.test", true},
      {"redirect=", false},
      {"exp=%{l}.x.test", true},
      {"unknown=any%%thing", true},
      {"unknown=%zz", false},
      {"ip4=192.0.2.1", false},
      {"v=spf1", false},
      {"~", false},
      {"++all", false},
      {"\x01all", false},
  };
  for (const auto& row : rows) {
    SpfFault fault;
    const std::optional<SpfTerm> term = ParseSpfTerm(row.term, &fault);
    EXPECT_EQ(term.has_value(), row.good) << row.term << ": " << fault.what;
    EXPECT_EQ(fault.what.empty(), row.good) << row.term;
    EXPECT_EQ(term ? term->text : row.term, row.term);
  }
}

TEST(ParseSpf, SaysWhere) {
  const SpfRecord record = ParseSpf("v=spf1  ip4:192.0.2.1 ipv4:192.0.2.2 redirect=a.test redirect=b.test");
  EXPECT_EQ(record.terms.size(), 2u);
  ASSERT_EQ(record.faults.size(), 2u);
  EXPECT_EQ(record.faults[0].at, 23u);
  EXPECT_EQ(record.faults[0].fix, "ip4:192.0.2.2");
  EXPECT_EQ(record.faults[1].what, "it may stand there only once");
  EXPECT_EQ(record.faults[1].fix, "");
}

TEST(ParseSpf, HasAnEnd) {
  std::string text = "v=spf1";
  for (int i = 0; i < 2000; ++i) text += " a";
  const SpfRecord record = ParseSpf(text);
  EXPECT_EQ(record.terms.size(), kSpfTermsMax);
  EXPECT_EQ(record.faults.size(), 1u);
  EXPECT_EQ(MendSpf({record}, "_spf.mail.example"), std::nullopt);
}

TEST(Spf, Version) {
  const struct {
    const char* text;
    bool is;
    const char* repaired;
  } rows[] = {
      {"v=spf1", true, "v=spf1"},
      {"V=SPF1 -all", true, "V=SPF1 -all"},
      {"v=spf10 -all", false, "v=spf1 -all"},
      {"v=spf1-all", false, "v=spf1 -all"},
      {"v=spf2.0 mx -all", false, "v=spf1 mx -all"},
      {"spf2.0/mfrom,pra mx", false, "v=spf1 mx"},
      {"v = spf1 mx", false, "v=spf1 mx"},
      {"v:spf1; mx", false, "v=spf1 mx"},
      {"\"v=spf1 mx\"", false, "v=spf1 mx"},
      {"spf1 mx", false, "v=spf1 mx"},
      {"spf record", false, "spf record"},
      {"v=DKIM1; p=x", false, "v=DKIM1; p=x"},
      {"", false, ""},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(IsSpf(row.text), row.is) << row.text;
    EXPECT_EQ(RepairSpfVersion(row.text), row.repaired) << row.text;
    EXPECT_EQ(LooksLikeSpf(row.text), row.is || std::string(row.text) != row.repaired) << row.text;
  }
}

TEST(MendSpf, Table) {
  const struct {
    const char* name;
    std::vector<std::string> records;
    const char* mended;  // nullptr: not to be mended
  } rows[] = {
      {"AddsOurs", {"v=spf1 -all"}, "v=spf1 include:_spf.mail.example -all"},
      {"KeepsItsPlace", {"v=spf1 mx Include:_SPF.mail.example -all"}, "v=spf1 mx include:_spf.mail.example -all"},
      {"DropsTheSign", {"v=spf1 ~include:_spf.mail.example -all"}, "v=spf1 include:_spf.mail.example -all"},
      {"Merges", {"v=spf1 mx a -all", "v=spf1 +a ptr ~all"}, "v=spf1 include:_spf.mail.example mx a ptr ~all"},
      {"PassAllIsMadeMild", {"v=spf1 +all"}, "v=spf1 include:_spf.mail.example ~all"},
      {"NeutralGivesWay", {"v=spf1 ?all", "v=spf1 -all"}, "v=spf1 include:_spf.mail.example -all"},
      {"RedirectStays", {"v=spf1 redirect=a.test"}, "v=spf1 include:_spf.mail.example redirect=a.test"},
      {"AllBeatsRedirect", {"v=spf1 redirect=a.test", "v=spf1 -all"}, "v=spf1 include:_spf.mail.example -all"},
      {"ModifiersLast", {"v=spf1 exp=e.test x=y mx"}, "v=spf1 include:_spf.mail.example mx ~all exp=e.test x=y"},
      {"Guesses", {"v=spf1 ip:192.0.2.1 -al"}, "v=spf1 include:_spf.mail.example ip4:192.0.2.1 -all"},
      {"NoGuess", {"v=spf1 frobnicate"}, nullptr},
      {"OtherSignIsAnotherTerm", {"v=spf1 -a a -all"}, "v=spf1 include:_spf.mail.example -a a -all"},
  };
  for (const auto& row : rows) {
    std::vector<SpfRecord> records;
    for (const std::string& text : row.records) records.push_back(ParseSpf(text));
    const std::optional<std::string> mended = MendSpf(records, "_spf.mail.example");
    EXPECT_EQ(mended.value_or("no"), row.mended == nullptr ? "no" : row.mended) << row.name;
  }
  EXPECT_EQ(MendSpf({ParseSpf("v=spf1 a mx -all")}, "", {"mx"}), "v=spf1 a -all");
}

}  // namespace
}  // namespace wavepost
