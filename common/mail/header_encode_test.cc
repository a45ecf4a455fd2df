#include "common/mail/header_encode.h"

#include <gmime/gmime.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace wavepost {
namespace {

// The field's value as a reader shows it, decoded by GMime; empty unless `field` is exactly one well-formed field.
std::string Shown(const std::string& field) {
  g_mime_init();
  if (field.size() < 2 || field.compare(field.size() - 2, 2, "\r\n") != 0) return "";
  std::string unfolded;
  size_t start = 0;
  for (size_t end; (end = field.find("\r\n", start)) != std::string::npos; start = end + 2) {
    const std::string line = field.substr(start, end - start);
    if (line.size() > kLineBytesMax || line.find_first_of("\r\n\0", 0, 3) != std::string::npos) return "bad line";
    if (start > 0 && (line.empty() || line[0] != ' ' || line.find_first_not_of(" \t") == std::string::npos))
      return "bad fold";
    unfolded += line;
  }
  const size_t colon = unfolded.find(": ");
  char* decoded = g_mime_utils_header_decode_text(nullptr, unfolded.c_str() + colon + 2);
  std::string out = decoded;
  g_free(decoded);
  return out;
}

std::string Unstructured(const std::string& value) {
  std::string out;
  AppendUnstructured("Subject", value, &out);
  return out;
}

size_t LongestLine(const std::string& text) {
  size_t longest = 0;
  size_t start = 0;
  for (size_t end; (end = text.find("\r\n", start)) != std::string::npos; start = end + 2)
    longest = std::max(longest, end - start);
  return longest;
}

TEST(UnstructuredTest, AsciiStaysReadable) {
  EXPECT_EQ(Unstructured("Your opinion"), "Subject: Your opinion\r\n");
  EXPECT_EQ(Unstructured(""), "Subject: \r\n");
}

TEST(UnstructuredTest, LongAsciiIsFoldedAtSpaces) {
  std::string value = "word";
  for (int i = 0; i < 60; ++i) value += " word";
  EXPECT_LE(LongestLine(Unstructured(value)), kLineBytesWanted);
  EXPECT_EQ(Shown(Unstructured(value)), value);
}

TEST(UnstructuredTest, EncodesUtf8InWordsOf75) {
  EXPECT_EQ(Unstructured("für Sie"), "Subject: =?utf-8?q?f=C3=BCr_Sie?=\r\n");
  for (const char* unit : {"äöü ß ", "日本語", "\xF0\x9F\x8E\x89 party ", "mostly ascii ü "}) {
    std::string value;
    for (int i = 0; i < 40; ++i) value += unit;
    if (value.back() == ' ') value.pop_back();
    const std::string field = Unstructured(value);
    EXPECT_LE(LongestLine(field), 76u);
    EXPECT_EQ(Shown(field), value);
  }
}

TEST(UnstructuredTest, NothingMakesASecondField) {
  for (const std::string& attack :
       {std::string("x\r\nBcc: a@b.example"), std::string("x\nBcc: a@b.example"), std::string("x\rBcc: y"),
        std::string("x\0\r\n\r\nbody", 10), std::string("ü\r\n\r\nbody"), std::string("x\r\n y"),
        std::string("\xE2\x80\xA8x: y"),
        std::string("a\xC2\x85"
                    "b")}) {
    const std::string field = Unstructured(attack);
    EXPECT_EQ(field.find("\r\n"), field.size() - 2) << field;
    EXPECT_EQ(field.find('\0'), std::string::npos);
  }
  EXPECT_EQ(Unstructured("x\r\nBcc: a@b.example"), "Subject: x Bcc: a@b.example\r\n");
}

TEST(UnstructuredTest, WhatLooksEncodedIsShownAsItIs) {
  const std::string value = "=?utf-8?q?=0D=0ABcc:_a?=";
  EXPECT_EQ(Shown(Unstructured(value)), value);
}

TEST(UnstructuredTest, EndlessWordsFitLines) {
  const std::string value(3000, 'x');
  const std::string field = Unstructured(value);
  EXPECT_LE(LongestLine(field), 76u);
  EXPECT_EQ(Shown(field), value);
}

TEST(UnstructuredTest, BrokenUtf8Ends) {
  EXPECT_LE(LongestLine(Unstructured(std::string(500, '\x80'))), 76u);
}

TEST(StructuredTest, AsciiOnly) {
  std::string out;
  EXPECT_TRUE(AppendStructured("List-Unsubscribe", "<https://u.example/a>,\r\n <mailto:u@u.example>", &out).ok());
  EXPECT_EQ(out, "List-Unsubscribe: <https://u.example/a>, <mailto:u@u.example>\r\n");
  EXPECT_FALSE(AppendStructured("List-Id", "ü", &out).ok());
  EXPECT_FALSE(AppendStructured("List-Id", std::string(950, 'x'), &out).ok());
  EXPECT_EQ(out.find("List-Id"), std::string::npos);
}

TEST(MailboxTest, QuotesOrEncodesTheName) {
  const std::pair<std::string, std::string> kRows[] = {
      {"", "From: a@b.example\r\n"},
      {"Survey Team", "From: Survey Team <a@b.example>\r\n"},
      {"Doe, Jane", "From: \"Doe, Jane\" <a@b.example>\r\n"},
      {"The \"x\" \\", "From: \"The \\\"x\\\" \\\\\" <a@b.example>\r\n"},
      {"a@evil.example", "From: \"a@evil.example\" <a@b.example>\r\n"},
      {"x <c@d.example>,", "From: \"x <c@d.example>,\" <a@b.example>\r\n"},
      {"Jürgen, (x)", "From: =?utf-8?b?SsO8cmdlbiwgKHgp?= <a@b.example>\r\n"},
      {"Jürgen und die anderen (x)", "From: =?utf-8?q?J=C3=BCrgen_und_die_anderen_=28x=29?= <a@b.example>\r\n"},
      {"x\r\nBcc: y", "From: \"x Bcc: y\" <a@b.example>\r\n"},
  };
  for (const auto& [display, want] : kRows) {
    std::string out;
    AppendMailbox("From", display, "a@b.example", &out);
    EXPECT_EQ(out, want);
  }
}

TEST(MailboxTest, LongNamesAreFolded) {
  for (const std::string& name : {std::string(896, '"'), std::string(500, 'n') + ", x", [] {
                                    std::string s;
                                    for (int i = 0; i < 90; ++i) s += "Größe ";
                                    return s;
                                  }()}) {
    std::string out;
    AppendMailbox("From", name, std::string(60, 'a') + "@example.com", &out);
    EXPECT_LE(LongestLine(out), kLineBytesMax);
    InternetAddressList* list = internet_address_list_parse(nullptr, out.c_str() + 6);
    ASSERT_NE(list, nullptr);
    EXPECT_EQ(internet_address_list_length(list), 1);
    const std::string shown = internet_address_get_name(internet_address_list_get_address(list, 0));
    EXPECT_EQ(shown, CleanHeaderText(name));
    g_object_unref(list);
  }
}

TEST(ParameterTest, Rfc2231WhereNeeded) {
  std::string value = "Übersicht für alle Teilnehmer und noch sehr viel mehr davon.pdf";
  std::string field = "attachment";
  AppendParameter("filename", value, &field);
  EXPECT_LE(LongestLine(field + "\r\n"), kLineBytesWanted);
  g_mime_init();
  GMimeContentDisposition* parsed = g_mime_content_disposition_parse(nullptr, field.c_str());
  EXPECT_STREQ(g_mime_content_disposition_get_parameter(parsed, "filename"), value.c_str());
  g_object_unref(parsed);

  std::string plain;
  AppendParameter("boundary", "=_a", &plain);
  EXPECT_EQ(plain, ";\r\n\tboundary=\"=_a\"");
  plain.clear();
  AppendParameter("charset", "utf-8", &plain);
  EXPECT_EQ(plain, ";\r\n\tcharset=utf-8");
  plain.clear();
  AppendParameter("name", "a\"b\r\nc", &plain);
  EXPECT_EQ(plain, ";\r\n\tname=\"a\\\"b c\"");
}

TEST(ParameterTest, OneLineNeedsNoNumber) {
  std::string out;
  AppendParameter("filename", "für.pdf", &out);
  EXPECT_EQ(out, ";\r\n\tfilename*=utf-8''f%C3%BCr.pdf");
  out.clear();
  AppendParameter("filename", std::string(70, 'u') + "ü", &out);
  EXPECT_THAT(out, ::testing::HasSubstr("filename*0*=utf-8''u"));
  EXPECT_THAT(out, ::testing::HasSubstr("filename*1*="));
}

TEST(ParameterTest, EncodedWordsForOldReaders) {
  std::string out;
  AppendWordParameter("name", "a.pdf", &out);
  EXPECT_EQ(out, ";\r\n\tname=\"a.pdf\"");
  out.clear();
  AppendWordParameter("name", "für.pdf", &out);
  EXPECT_EQ(out, ";\r\n\tname=\"=?utf-8?b?ZsO8ci5wZGY=?=\"");
  out.clear();
  AppendWordParameter("name", "a\"\r\nBcc: x", &out);
  EXPECT_EQ(out, ";\r\n\tname=\"a\\\" Bcc: x\"");
  out = "Content-Type: text/plain";
  std::string name;
  for (int i = 0; i < 30; ++i) name += "Größe ";
  AppendWordParameter("name", name, &out);
  EXPECT_LE(LongestLine(out + "\r\n"), kLineBytesWanted);
}

}  // namespace
}  // namespace wavepost
