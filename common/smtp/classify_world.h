// What the tables of classify_world*_test.cc are made of.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "common/smtp/classify.h"
#include "common/smtp/reply.h"

namespace wavepost::world {

using namespace wavepost::v1;  // NOLINT: the tables are made of its enumerators

inline constexpr auto P = Verdict::Kind::kPermanent;
inline constexpr auto T = Verdict::Kind::kTemporary;
inline constexpr auto kNobody = FAULT_UNSPECIFIED;
inline constexpr auto kPerson = Verdict::Scope::kRecipient;
inline constexpr auto kMail = Verdict::Scope::kMessage;
inline constexpr auto kSite = Verdict::Scope::kSite;
inline constexpr auto kIp = Verdict::Scope::kEgressIp;
inline constexpr auto kHello = Phase::kGreeting;
inline constexpr auto kFrom = Phase::kMail;
inline constexpr auto kTo = Phase::kRcpt;
inline constexpr auto kDot = Phase::kEndOfData;

struct Row {
  const char* name;
  Phase phase;
  const char* reply;
  Verdict::Kind kind;
  Reason reason;
  Fault fault;
  Verdict::Scope scope;
};

inline void ExpectMeans(const Row& row) {
  const std::optional<Reply> reply = ReplyFromText(row.reply);
  ASSERT_TRUE(reply.has_value()) << row.reply;
  const Verdict verdict = Classify(*reply, row.phase);
  const auto show = [&verdict, &row] { return std::string(verdict.rule) + " took: " + row.reply; };
  EXPECT_EQ(verdict.kind, row.kind) << show();
  EXPECT_EQ(Reason_Name(verdict.reason), Reason_Name(row.reason)) << show();
  EXPECT_EQ(Fault_Name(verdict.fault), Fault_Name(row.fault)) << show();
  EXPECT_EQ(verdict.scope, row.scope) << show();
}

}  // namespace wavepost::world
