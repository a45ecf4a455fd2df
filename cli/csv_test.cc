#include "cli/csv.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace wavepost::cli {
namespace {

// "LINE:field|field" for a good record, "LINE!" and the start of the message for a bad one.
std::vector<std::string> ReadAll(const std::string& text, char delimiter = ',') {
  std::istringstream in(text);
  CsvReader reader(&in, delimiter);
  std::vector<std::string> out;
  CsvRecord record;
  while (reader.Next(&record)) {
    std::string line = std::to_string(record.line);
    if (!record.error.empty()) {
      line += "!" + record.error.substr(0, 24);
    } else {
      for (size_t i = 0; i < record.fields.size(); ++i) line += (i == 0 ? ":" : "|") + record.fields[i];
    }
    out.push_back(line);
  }
  EXPECT_EQ(reader.bytes_read(), static_cast<int64_t>(text.size()));
  return out;
}

struct Row {
  const char* name;
  std::string text;
  std::vector<std::string> want;
};

class CsvTest : public testing::TestWithParam<Row> {};

TEST_P(CsvTest, Reads) {
  EXPECT_EQ(ReadAll(GetParam().text), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc4180, CsvTest,
    testing::Values(Row{"Plain", "a,b\n1,2\n", {"1:a|b", "2:1|2"}}, Row{"NoFinalBreak", "a,b\n1,2", {"1:a|b", "2:1|2"}},
                    Row{"Crlf", "a,b\r\n1,2\r\n", {"1:a|b", "2:1|2"}},
                    Row{"CrAtTheVeryEnd", "a,b\r\n1,2\r", {"1:a|b", "2:1|2"}},
                    Row{"ByteOrderMark",
                        "\xEF\xBB\xBF"
                        "a,b\n",
                        {"1:a|b"}},
                    Row{"OnlyByteOrderMark", "\xEF\xBB\xBF", {}}, Row{"Empty", "", {}},
                    Row{"EmptyFields", ",\n,,\n", {"1:|", "2:||"}},
                    Row{"EmptyLinesCount", "a\n\n\r\nb\n", {"1:a", "4:b"}},
                    Row{"Quoted", "\"a,b\",\"c\"\"d\"\n", {"1:a,b|c\"d"}}, Row{"QuotedEmpty", "\"\",x\n", {"1:|x"}},
                    Row{"BreakInQuotes", "\"a\r\nb\",c\nd,e\n", {"1:a\r\nb|c", "3:d|e"}},
                    Row{"QuotedAtEnd", "x,\"y\"", {"1:x|y"}}, Row{"Umlauts", "Jörg,Müßig\n", {"1:Jörg|Müßig"}},
                    Row{"SpacesStay", " a , b \n", {"1: a | b "}}, Row{"CrInQuotes", "\"a\rb\"\n", {"1:a\rb"}}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Bad, CsvTest,
    testing::Values(
        Row{"TextAfterQuote", "\"a\"b,c\nd,e\n", {"1!there is text after a cl", "2:d|e"}},
        Row{"QuoteInPlainField", "a \"b\" c,d\ne,f\n", {"1!a quote stands inside an", "2:e|f"}},
        Row{"OpenQuoteCostsOneRow",
            "a,b\n\"x,y\nc,d\ne,f\n",
            {"1:a|b", "2!a quote opens in this li", "3:c|d", "4:e|f"}},
        Row{"OpenQuoteMeetsAnother", "\"x,y\nc,\"d\"\ne,f\n", {"1!there is text after a cl", "2:c|d", "3:e|f"}},
        Row{"Latin1", "M\xFCller,b\nc,d\n", {"1!field 1 is not UTF-8; co", "2:c|d"}},
        Row{"Nul", std::string("a\0b\nc\n", 6), {"1!a NUL byte; is this a te", "2:c"}},
        Row{"BareCr", "a,b\rc,d\ne,f\n", {"1!a carriage return withou", "2:e|f"}}),
    [](const auto& test) { return test.param.name; });

TEST(CsvLimitTest, EndlessLineIsOneBadRow) {
  EXPECT_EQ(ReadAll(std::string(3 * kCsvRecordBytesMax, 'x') + "\nok\n"),
            (std::vector<std::string>{"1!longer than 256 KB; is a", "2:ok"}));
}

TEST(CsvLimitTest, OpenQuoteBeforeMuchTextCostsOneRow) {
  std::string text = "\"open\n";
  for (int i = 0; i < 40000; ++i) text += "row,12345\n";
  const auto rows = ReadAll(text);
  ASSERT_EQ(rows.size(), 40001u);
  EXPECT_EQ(rows[0], "1!longer than 256 KB; is a");
  EXPECT_EQ(rows[40000], "40001:row|12345");
}

TEST(CsvLimitTest, TooManyFields) {
  EXPECT_EQ(ReadAll(std::string(kCsvFieldsMax, ',') + "\nok\n"),
            (std::vector<std::string>{"1!more than 1000 fields", "2:ok"}));
}

TEST(CsvDelimiterTest, Semicolon) {
  EXPECT_EQ(ReadAll("a;b,c\n\"x;y\";z\n", ';'), (std::vector<std::string>{"1:a|b,c", "2:x;y|z"}));
}

}  // namespace
}  // namespace wavepost::cli
