#include "sender/shaping/greylist_book.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "wavepost/cluster/v1/sender_records.pb.h"

namespace wavepost {
namespace {

using cluster::v1::GreylistState;
using Gate = GreylistBook::Gate;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

enum class Key { kClient, kTriplet };

// A host that greylists.
struct Host {
  Key key = Key::kTriplet;
  bool after_rcpt = true;
  absl::Duration window = absl::Minutes(5);
  bool hints = false;  // says how long is left
  // By recipient; by client: under -1.
  std::map<int, absl::Time> first_seen = {};

  // How long is left of the window; nothing: accepted.
  std::optional<absl::Duration> Ask(int recipient, absl::Time now) {
    const auto [it, fresh] = first_seen.try_emplace(key == Key::kClient ? -1 : recipient, now);
    const absl::Duration left = it->second + window - now;
    if (!fresh && left <= absl::ZeroDuration()) return std::nullopt;
    return left;
  }
};

struct WaveFigures {
  std::vector<absl::Duration> extra;  // accepted, after the time at which an open host would have taken it
  int deferred = 0;                   // recipients
  int early = 0;                      // retries before the window
  int attempts = 0;

  absl::Duration median() {
    std::sort(extra.begin(), extra.end());
    return extra[extra.size() / 2];
  }
  absl::Duration worst() const { return *std::max_element(extra.begin(), extra.end()); }
};

struct WaveOptions {
  int recipients = 300;
  int first_recipient = 0;
  int per_second = 20;
  absl::Duration latency = absl::Milliseconds(400);
  bool restarts = false;  // every 20 seconds; what is under way is lost
  double scale = 1;
  uint64_t seed = 1;
};

// Sends a wave through the book as the engine does: retries at their own times, newcomers as the gate says.
WaveFigures Send(GreylistBook* book, Host* host, absl::Time* now, const WaveOptions& options) {
  struct Waiting {
    int recipient;
    std::optional<absl::Time> first_deferral;
    int step = 0;
  };
  struct Reply {
    Waiting waiting;
    bool probe;
    std::optional<absl::Duration> left;
  };
  std::mt19937_64 random(options.seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::deque<Waiting> newcomers;
  for (int i = 0; i < options.recipients; ++i) newcomers.push_back({options.first_recipient + i, {}, 0});
  std::multimap<absl::Time, Waiting> retries;
  std::multimap<absl::Time, Reply> replies;
  WaveFigures figures;
  const absl::Time start = *now;
  const absl::Duration tick = absl::Seconds(1) / options.per_second / options.scale;
  absl::Time restart_at = start + absl::Seconds(20) / options.scale;
  for (int64_t ticks = 0; ticks < 20'000'000 && !(newcomers.empty() && retries.empty() && replies.empty()); ++ticks) {
    *now += tick;
    while (!replies.empty() && replies.begin()->first <= *now) {
      Reply reply = std::move(replies.extract(replies.begin()).mapped());
      Waiting& waiting = reply.waiting;
      if (!reply.left.has_value()) {
        book->OnPassed(*now, waiting.first_deferral);
        const absl::Time ideal = start + tick * (waiting.recipient - options.first_recipient + 1);
        figures.extra.push_back((*now - ideal) * options.scale);
        continue;
      }
      if (waiting.step++ == 0) {
        waiting.first_deferral = *now;
        ++figures.deferred;
      } else {
        ++figures.early;
      }
      std::optional<absl::Duration> hint;
      if (host->hints) hint = absl::Ceil(*reply.left * options.scale, absl::Seconds(1));
      const absl::Time due =
          book->OnDeferred(*now, *waiting.first_deferral, waiting.step, host->after_rcpt, hint, uniform(random));
      retries.emplace(due, waiting);
    }
    if (options.restarts && *now >= restart_at) {
      restart_at += absl::Seconds(20) / options.scale;
      GreylistState stored;
      EXPECT_TRUE(stored.ParseFromString(book->State().SerializeAsString()));
      *book = GreylistBook(options.scale, stored);
      for (auto& [at, reply] : replies) {
        if (reply.waiting.step == 0) {
          newcomers.push_front(reply.waiting);
        } else {
          retries.emplace(*now, reply.waiting);
        }
      }
      replies.clear();
    }
    Reply sent;
    if (!retries.empty() && retries.begin()->first <= *now) {
      sent.waiting = retries.extract(retries.begin()).mapped();
    } else {
      const Gate gate = book->GateAt(*now);
      if (newcomers.empty() || gate == Gate::kWait) continue;
      if (gate == Gate::kProbe) {
        book->OnProbing(*now);
        EXPECT_EQ(book->GateAt(*now), Gate::kWait);
        sent.probe = true;
      }
      sent.waiting = newcomers.front();
      newcomers.pop_front();
    }
    ++figures.attempts;
    sent.left = host->Ask(sent.waiting.recipient, *now);
    replies.emplace(*now + options.latency / options.scale, std::move(sent));
  }
  EXPECT_EQ(figures.extra.size(), static_cast<size_t>(options.recipients)) << "not all were delivered";
  return figures;
}

struct Row {
  std::string name;
  Key key;
  bool after_rcpt;
  absl::Duration window;
  bool hints;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

class GreylistWaveTest : public ::testing::TestWithParam<std::tuple<Row, bool>> {};

TEST_P(GreylistWaveTest, AnAppointmentAndNotAnError) {
  const auto& [row, restarts] = GetParam();
  Host host{.key = row.key, .after_rcpt = row.after_rcpt, .window = row.window, .hints = row.hints};
  GreylistBook book(1, {});
  absl::Time now = kStart;
  const bool known = row.hints || row.window <= GreylistBook::kWindowUnknown;
  WaveFigures first = Send(&book, &host, &now, {.restarts = restarts});
  if (known) {
    EXPECT_EQ(first.early, 0) << "retries before the window";
    EXPECT_LE(first.median(), (row.hints ? row.window : GreylistBook::kWindowUnknown) + absl::Seconds(10));
  } else {
    EXPECT_LE(first.early, 3 * first.deferred) << "while the window is being learned";
    EXPECT_LE(first.median(), row.window * 1.5 + absl::Seconds(10));
  }
  if (!row.after_rcpt) {
    EXPECT_LE(first.deferred, restarts ? 3 : 1) << "by client: one is enough to ask";
  }
  EXPECT_LE(first.deferred, GreylistBook::kRegisterMax);

  // Another wave: what was learned holds.
  now += absl::Hours(3);
  WaveFigures second = Send(&book, &host, &now, {.first_recipient = 100'000, .restarts = restarts, .seed = 2});
  EXPECT_EQ(second.early, 0) << "the window is known";
  if (row.key == Key::kClient) {
    EXPECT_EQ(second.deferred, 0);
    EXPECT_LE(second.median(), absl::Seconds(2)) << "it has passed";
  } else {
    const absl::Duration learned = known && !row.hints ? GreylistBook::kWindowUnknown : row.window;
    EXPECT_LE(second.median(), std::max(row.window, learned) * (known ? 1 : 1.5) + absl::Seconds(10));
    // A third one need not probe at all.
    now += absl::Hours(3);
    const WaveFigures third = Send(&book, &host, &now, {.first_recipient = 200'000, .seed = 3});
    EXPECT_EQ(third.early, 0);
    EXPECT_EQ(third.attempts, 600);
    EXPECT_LE(third.worst(), std::max(row.window, learned) * (known ? 1 : 1.5) + absl::Seconds(20));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Hosts, GreylistWaveTest,
    ::testing::Combine(::testing::Values(Row{"TripletMinute", Key::kTriplet, true, absl::Seconds(60), false},
                                         Row{"TripletMinuteHint", Key::kTriplet, true, absl::Seconds(60), true},
                                         Row{"TripletFiveMinutes", Key::kTriplet, true, absl::Seconds(300), false},
                                         Row{"TripletFiveMinutesHint", Key::kTriplet, true, absl::Seconds(300), true},
                                         Row{"TripletTenMinutes", Key::kTriplet, true, absl::Minutes(10), false},
                                         Row{"TripletHalfAnHour", Key::kTriplet, true, absl::Minutes(30), false},
                                         Row{"TripletHour", Key::kTriplet, true, absl::Hours(1), false},
                                         Row{"TripletHourHint", Key::kTriplet, true, absl::Hours(1), true},
                                         Row{"ClientMinute", Key::kClient, true, absl::Seconds(60), false},
                                         Row{"ClientMinuteHint", Key::kClient, true, absl::Seconds(60), true},
                                         Row{"ClientFiveMinutes", Key::kClient, true, absl::Seconds(300), false},
                                         Row{"ClientHour", Key::kClient, true, absl::Hours(1), false},
                                         Row{"ClientHourHint", Key::kClient, true, absl::Hours(1), true},
                                         Row{"ConnectMinute", Key::kClient, false, absl::Seconds(60), false},
                                         Row{"ConnectMinuteHint", Key::kClient, false, absl::Seconds(60), true},
                                         Row{"ConnectFiveMinutes", Key::kClient, false, absl::Seconds(300), false},
                                         Row{"ConnectHour", Key::kClient, false, absl::Hours(1), false},
                                         Row{"ConnectHourHint", Key::kClient, false, absl::Hours(1), true}),
                       ::testing::Bool()),
    [](const auto& param_info) {
      return std::get<0>(param_info.param).name + (std::get<1>(param_info.param) ? "WithRestarts" : "");
    });

TEST(GreylistBookTest, ABigWaveRegistersAndThenWaits) {
  Host host{.key = Key::kClient, .after_rcpt = true, .window = absl::Seconds(300)};
  GreylistBook book(1, {});
  absl::Time now = kStart;
  WaveFigures figures = Send(&book, &host, &now, {.recipients = 5000, .per_second = 50});
  EXPECT_GE(figures.deferred, GreylistBook::kRegisterMax);
  EXPECT_LE(figures.deferred, GreylistBook::kRegisterMax + 20) << "and those under way";
  EXPECT_EQ(figures.early, 0);
  EXPECT_LE(figures.median(), absl::Seconds(310));
}

TEST(GreylistBookTest, ABigWaveAtAHostThatGoesByRecipient) {
  Host host{.window = absl::Seconds(300)};
  GreylistBook book(1, {});
  absl::Time now = kStart;
  const WaveFigures figures = Send(&book, &host, &now, {.recipients = 3000, .per_second = 100});
  EXPECT_EQ(figures.deferred, 3000);
  EXPECT_EQ(figures.attempts, 6000);
  EXPECT_EQ(book.State().keyed_by(), GreylistState::RECIPIENT);
  EXPECT_LE(figures.worst(), absl::Seconds(2 * 310 + 30)) << "the second part learns from the first";
}

TEST(GreylistBookTest, ScaleDividesTheWindow) {
  Host host{.window = absl::Seconds(5), .hints = true};
  GreylistBook book(60, {});
  absl::Time now = kStart;
  WaveFigures figures = Send(&book, &host, &now, {.scale = 60});
  EXPECT_EQ(figures.early, 0);
  EXPECT_LE(figures.median(), absl::Seconds(310)) << "unscaled";
  EXPECT_LE(now - kStart, absl::Seconds(6));
  EXPECT_GE(*book.window(), absl::Seconds(299));
}

TEST(GreylistBookTest, NobodyIsKnownAtFirst) {
  GreylistBook book(1, {});
  EXPECT_TRUE(book.fresh());
  EXPECT_EQ(book.GateAt(kStart), Gate::kProbe);
  book.OnProbing(kStart);
  EXPECT_EQ(book.GateAt(kStart), Gate::kWait);
  EXPECT_EQ(book.WaitUntil(), kStart + absl::Minutes(15)) << "a probe that nobody hears of again";
  book.OnProbeLost();
  EXPECT_EQ(book.GateAt(kStart), Gate::kProbe);
  EXPECT_TRUE(book.fresh());
  book.OnProbing(kStart);
  EXPECT_EQ(book.GateAt(kStart + absl::Minutes(20)), Gate::kProbe)
      << "a probe that was forgotten stops nobody for ever";
  book.OnPassed(kStart, std::nullopt);
  EXPECT_EQ(book.GateAt(kStart), Gate::kOpen);
  EXPECT_FALSE(book.fresh());
  EXPECT_EQ(book.window(), std::nullopt);
}

TEST(GreylistBookTest, ThirtyFiveDaysAfterTheLastPassItIsAStranger) {
  GreylistBook book(1, {});
  book.OnPassed(kStart, std::nullopt);
  const absl::Time used = kStart + absl::Hours(24 * 20);
  EXPECT_EQ(book.GateAt(used), Gate::kOpen);
  book.OnPassed(used, std::nullopt);
  book = GreylistBook(1, book.State());
  EXPECT_EQ(book.GateAt(used + absl::Hours(24 * 35 - 1)), Gate::kOpen);
  EXPECT_EQ(book.GateAt(used + absl::Hours(24 * 35)), Gate::kProbe);
}

TEST(GreylistBookTest, ExpiryForgetsWhoTheHostGoesByButNotTheWindow) {
  Host host{.window = absl::Minutes(30)};
  GreylistBook book(1, {});
  absl::Time now = kStart;
  Send(&book, &host, &now, {});
  Send(&book, &host, &now, {.first_recipient = 1000});
  ASSERT_EQ(book.State().keyed_by(), GreylistState::RECIPIENT);
  now += absl::Hours(24 * 36);
  EXPECT_EQ(book.GateAt(now), Gate::kProbe);
  host = {.key = Key::kClient, .window = absl::Minutes(30)};
  const WaveFigures figures = Send(&book, &host, &now, {.first_recipient = 2000});
  EXPECT_EQ(figures.early, 0);
  EXPECT_NE(book.State().keyed_by(), GreylistState::RECIPIENT);
}

TEST(GreylistBookTest, APassAfterExpiryBeginsAnew) {
  GreylistState state;
  state.set_keyed_by(GreylistState::RECIPIENT);
  state.set_passed_ms(absl::ToUnixMillis(kStart));
  state.set_last_passed_ms(absl::ToUnixMillis(kStart));
  GreylistBook book(1, state);
  book.OnPassed(kStart + absl::Hours(24 * 36), std::nullopt);
  EXPECT_EQ(book.State().keyed_by(), GreylistState::UNKNOWN);
}

TEST(GreylistBookTest, WhenItIsDue) {
  struct DueRow {
    std::string name;
    int64_t accepted_after_s, refused_after_s;
    absl::Duration age;
    int step;
    std::optional<absl::Duration> hint;
    absl::Duration due;  // after the first deferral, without the jitter's first second
  };
  for (const DueRow& row : {
           DueRow{"NothingKnown", 0, 0, absl::ZeroDuration(), 1, {}, absl::Minutes(5)},
           DueRow{"Learned", 120, 0, absl::ZeroDuration(), 1, {}, absl::Minutes(2)},
           DueRow{"LearnedLate", 7200, 0, absl::ZeroDuration(), 1, {}, absl::Minutes(5)},
           DueRow{"LearnedBetween", 1500, 900, absl::ZeroDuration(), 1, {}, absl::Minutes(25)},
           DueRow{"OnlyRefusals", 0, 301, absl::ZeroDuration(), 1, {}, absl::Minutes(15)},
           DueRow{"HintWins", 120, 0, absl::ZeroDuration(), 1, absl::Seconds(40), absl::Seconds(40)},
           DueRow{"LongHint", 120, 0, absl::ZeroDuration(), 1, absl::Hours(3), absl::Hours(3)},
           DueRow{"EndlessHint", 0, 0, absl::ZeroDuration(), 1, absl::Hours(24000), absl::Hours(24)},
           DueRow{"EmptyHint", 0, 0, absl::ZeroDuration(), 1, absl::ZeroDuration(), absl::Minutes(5)},
           DueRow{"RestOfTheWindow", 0, 0, absl::Seconds(200), 2, absl::Seconds(100), absl::Seconds(300)},
           DueRow{"SecondTime", 0, 0, absl::Minutes(5), 2, {}, absl::Minutes(15)},
           DueRow{"ThirdTime", 0, 0, absl::Minutes(15), 3, {}, absl::Minutes(30)},
           DueRow{"SixthTime", 0, 0, absl::Hours(2), 6, {}, absl::Minutes(270)},
           DueRow{"Days", 0, 0, absl::Hours(50), 12, {}, absl::Hours(58)},
           DueRow{"TriedTooEarlyByHand", 300, 0, absl::Seconds(10), 2, {}, absl::Minutes(5)},
           DueRow{"JustBeforeTheWindow", 300, 0, absl::Seconds(299), 2, {}, absl::Seconds(329)},
           DueRow{"AlwaysInAMinute", 0, 0, absl::Minutes(3), 3, absl::Minutes(1), absl::Minutes(8)},
           DueRow{"StillInAMinute", 0, 0, absl::Minutes(18), 5, absl::Minutes(1), absl::Minutes(38)},
       }) {
    GreylistState state;
    state.set_accepted_after_ms(row.accepted_after_s * 1000);
    state.set_refused_after_ms(row.refused_after_s * 1000);
    for (const double jitter : {0.0, 0.999}) {
      GreylistBook book(1, state);
      const absl::Time due = book.OnDeferred(kStart + row.age, kStart, row.step, true, row.hint, jitter);
      EXPECT_NEAR(absl::ToDoubleSeconds(due - kStart), absl::ToDoubleSeconds(row.due) + 1 + 4 * jitter, 0.01)
          << row.name;
    }
  }
}

TEST(GreylistBookTest, AWindowThatGrewIsLearnedAnew) {
  GreylistBook book(1, {});
  book.OnDeferred(kStart, kStart, 1, true, std::nullopt, 0);
  book.OnPassed(kStart + absl::Seconds(301), kStart);
  EXPECT_EQ(book.window(), absl::Seconds(300)) << "the usual age below it";
  // Later it wants an hour.
  const absl::Time later = kStart + absl::Hours(5);
  book.OnDeferred(later, later, 1, true, std::nullopt, 0);
  book.OnDeferred(later + absl::Seconds(302), later, 2, true, std::nullopt, 0);
  EXPECT_EQ(book.window(), absl::Minutes(15));
  book.OnPassed(later + absl::Minutes(61), later);
  EXPECT_GE(*book.window(), absl::Minutes(15));
}

TEST(GreylistBookTest, ANewcomerThatPassesMeanwhileOpensTheGate) {
  GreylistBook book(1, {});
  book.OnDeferred(kStart, kStart, 1, /*after_rcpt=*/false, std::nullopt, 0);
  EXPECT_EQ(book.GateAt(kStart + absl::Seconds(70)), Gate::kWait);
  book.OnPassed(kStart + absl::Seconds(70), std::nullopt);  // an urgent one
  EXPECT_EQ(book.GateAt(kStart + absl::Seconds(71)), Gate::kOpen);
  // It was an exception: the next one is deferred. That is no proof of a memory by recipient.
  book.OnDeferred(kStart + absl::Seconds(72), kStart + absl::Seconds(72), 1, false, std::nullopt, 0);
  EXPECT_EQ(book.GateAt(kStart + absl::Seconds(73)), Gate::kWait);
  EXPECT_EQ(book.State().keyed_by(), GreylistState::UNKNOWN);
}

TEST(GreylistBookTest, TheFirstAppointmentThatIsNotKeptIsKeptByANewcomer) {
  GreylistBook book(1, {});
  const absl::Time due = book.OnDeferred(kStart, kStart, 1, /*after_rcpt=*/false, std::nullopt, 0);
  EXPECT_EQ(book.GateAt(due), Gate::kWait) << "its own retry first";
  EXPECT_GT(book.WaitUntil(), due);
  EXPECT_LE(book.WaitUntil(), due + absl::Minutes(1));
  EXPECT_EQ(book.GateAt(book.WaitUntil()), Gate::kProbe) << "it was suppressed, or its lane is paused";
}

TEST(GreylistBookTest, AHostThatForgotUsIsNotTakenForOneThatGoesByRecipient) {
  GreylistBook book(1, {});
  book.OnDeferred(kStart, kStart, 1, true, std::nullopt, 0);
  book.OnPassed(kStart + absl::Seconds(302), kStart);
  book.OnPassed(kStart + absl::Seconds(303), std::nullopt);
  EXPECT_EQ(book.State().keyed_by(), GreylistState::CLIENT);
  const absl::Time later = kStart + absl::Hours(24 * 10);
  EXPECT_EQ(book.GateAt(later), Gate::kOpen);
  book.OnDeferred(later, later, 1, /*after_rcpt=*/false, std::nullopt, 0);
  EXPECT_EQ(book.GateAt(later + absl::Seconds(1)), Gate::kWait);
  EXPECT_EQ(book.State().keyed_by(), GreylistState::UNKNOWN);
}

TEST(GreylistBookTest, ByClientOnlyTheFirstPassShowsTheWindow) {
  GreylistBook book(1, {});
  book.OnDeferred(kStart, kStart, 1, true, std::nullopt, 0);
  const absl::Time second = kStart + absl::Seconds(290);
  book.OnDeferred(second, second, 1, true, std::nullopt, 0);
  book.OnPassed(kStart + absl::Seconds(302), kStart);
  const auto window = book.window();
  book.OnPassed(kStart + absl::Seconds(305), second);  // flushed by hand
  EXPECT_EQ(book.window(), window);
}

TEST(GreylistBookTest, TheStateDoesNotChangeWithEachMessage) {
  GreylistBook book(1, {});
  book.OnPassed(kStart, std::nullopt);
  const std::string stored = book.State().SerializeAsString();
  for (int i = 0; i < 500; ++i) book.OnPassed(kStart + absl::Seconds(i), std::nullopt);
  EXPECT_EQ(book.State().SerializeAsString(), stored);
}

}  // namespace
}  // namespace wavepost
