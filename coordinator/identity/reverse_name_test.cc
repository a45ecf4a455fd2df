#include "coordinator/identity/reverse_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include "common/dns/zone_resolver.h"

namespace wavepost {
namespace {

using ::testing::HasSubstr;
using Check = v1::RecordCheck;

struct ReverseRow {
  std::string name;
  std::string address;
  std::string ehlo;
  std::string zone;
  Check::State state;
  std::string advice;  // part of it; empty: none at all
};

class ReverseTable : public ::testing::TestWithParam<ReverseRow> {};

TEST_P(ReverseTable, Judges) {
  const ReverseRow& row = GetParam();
  asio::io_context io;
  auto resolver = ZoneResolver::Parse(row.zone);
  ASSERT_TRUE(resolver.ok()) << resolver.status();
  absl::StatusOr<ReverseFacts> facts = absl::UnknownError("not run");
  asio::co_spawn(
      io,
      LookUpReverse(resolver->get(), asio::ip::make_address(row.address), row.ehlo, DeadlineAfter(absl::Seconds(5))),
      [&](std::exception_ptr, absl::StatusOr<ReverseFacts> found) { facts = std::move(found); });
  io.run();
  ASSERT_TRUE(facts.ok()) << facts.status();
  const ReverseVerdict verdict = JudgeReverse(*facts);
  EXPECT_EQ(verdict.state, row.state) << verdict.advice;
  if (row.advice.empty()) {
    EXPECT_EQ(verdict.advice, "");
  } else {
    EXPECT_THAT(verdict.advice, HasSubstr(row.advice));
  }
}

constexpr char kV6Ptr[] = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";

const ReverseRow kRows[] = {
    {"Good", "192.0.2.1", "mail1.example.org",
     "1.2.0.192.in-addr.arpa PTR mail1.example.org\nmail1.example.org A 192.0.2.1", Check::OK, ""},
    {"GoodSix", "2001:db8::5", "mail1.example.org",
     std::string(kV6Ptr) + " PTR mail1.example.org\nmail1.example.org AAAA 2001:db8::5", Check::OK, ""},
    {"LetterCaseAndFinalDot", "192.0.2.1", "Mail1.Example.org.",
     "1.2.0.192.in-addr.arpa PTR mail1.example.org\nmail1.example.org A 192.0.2.1", Check::OK, ""},
    {"OneOfSeveralNames", "192.0.2.1", "mail1.example.org",
     "1.2.0.192.in-addr.arpa PTR ip-1.hoster.example\n1.2.0.192.in-addr.arpa PTR mail1.example.org\n"
     "mail1.example.org A 192.0.2.1\nmail1.example.org A 192.0.2.2",
     Check::OK, ""},
    {"NoPtr", "192.0.2.1", "mail1.example.org", "mail1.example.org A 192.0.2.1", Check::MISSING,
     "192.0.2.1 has no reverse name; many receivers refuse mail from it. Ask the hoster of 192.0.2.1 to set the "
     "reverse "
     "name to mail1.example.org."},
    {"OtherName", "192.0.2.1", "mail1.example.org",
     "1.2.0.192.in-addr.arpa PTR ip-1.hoster.example\nip-1.hoster.example A 192.0.2.1\nmail1.example.org A 192.0.2.1",
     Check::WRONG,
     "192.0.2.1 says EHLO mail1.example.org, but its reverse name is ip-1.hoster.example. Ask the hoster of 192.0.2.1 "
     "to set the reverse name to mail1.example.org."},
    {"OtherNameThatLeadsElsewhere", "192.0.2.1", "mail1.example.org",
     "1.2.0.192.in-addr.arpa PTR ip-1.hoster.example\nip-1.hoster.example A 192.0.2.9\nmail1.example.org A 192.0.2.1",
     Check::WRONG, "It does not lead back to 192.0.2.1 either"},
    {"OtherNameAndEhloNowhere", "192.0.2.1", "mail1.example.org",
     "1.2.0.192.in-addr.arpa PTR ip-1.hoster.example\nip-1.hoster.example A 192.0.2.1", Check::WRONG,
     "mail1.example.org has no address as well: Publish \"mail1.example.org A 192.0.2.1\" first."},
    {"RightNameThatLeadsElsewhere", "192.0.2.1", "mail1.example.org",
     "1.2.0.192.in-addr.arpa PTR mail1.example.org\nmail1.example.org A 192.0.2.9", Check::WRONG,
     "but mail1.example.org leads to 192.0.2.9. Publish \"mail1.example.org A 192.0.2.1\"."},
    {"RightNameThatLeadsNowhere", "2001:db8::5", "mail1.example.org",
     std::string(kV6Ptr) + " PTR mail1.example.org\nmail1.example.org A 192.0.2.1", Check::WRONG,
     "Publish \"mail1.example.org AAAA 2001:db8::5\"."},
    {"EhloWithoutDomain", "192.0.2.1", "mail1", "", Check::WRONG,
     "192.0.2.1 says EHLO mail1, which is no full host name"},
    {"EhloIsLiteral", "192.0.2.1", "[192.0.2.1]", "", Check::WRONG, "which is no full host name"},
    {"EhloEmpty", "192.0.2.1", "", "", Check::WRONG, "says EHLO nothing"},
    {"PtrUnanswered", "192.0.2.1", "mail1.example.org", "1.2.0.192.in-addr.arpa SERVFAIL", Check::UNKNOWN,
     "DNS had no answer for the reverse name of 192.0.2.1."},
    {"ForwardUnanswered", "192.0.2.1", "mail1.example.org",
     "1.2.0.192.in-addr.arpa PTR mail1.example.org\nmail1.example.org SERVFAIL", Check::UNKNOWN,
     "DNS had no answer for the addresses of mail1.example.org."},
};

INSTANTIATE_TEST_SUITE_P(Fcrdns, ReverseTable, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace wavepost
