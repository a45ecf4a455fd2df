#include "coordinator/identity/identity_check.h"

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <deque>
#include <exception>
#include <utility>

#include "coordinator/identity/dnsbl.h"
#include "coordinator/identity/dnsbl_lookup.h"
#include "coordinator/identity/record_look.h"

namespace wavepost {
namespace {

// What the workers of one check share; all on the resolver's thread.
struct Board {
  Resolver* resolver = nullptr;
  IdentityQuestions questions;
  IdentityAnswers answers;
  std::vector<std::string> zone_faults;  // empty text: the zone is good
  bool any_v6 = false;
  absl::Status stopped;  // kCancelled, once a look was

  // The present round: `total` looks of one kind, begun at `first`, `taken` of them handed out.
  enum class Kind { kZones, kLooks, kListings } kind = Kind::kZones;
  size_t total = 0;
  size_t first = 0;
  size_t taken = 0;
  Deadline end;
  size_t workers = 0;
  std::deque<asio::cancellation_signal> signals;  // of this round's workers
  IdentityHalt* halt = nullptr;
  asio::steady_timer* done = nullptr;
};

Deadline WaitOf(const Board& board) {
  return std::min(board.end, DeadlineAfter(kLookWait));
}

template <class T>
bool Stopped(Board* board, const absl::StatusOr<T>& answer) {
  if (!answer.ok()) board->stopped = answer.status();
  return !answer.ok();
}

Awaitable<void> LookAtZone(Board* board, size_t i) {
  const Deadline wait = WaitOf(*board);
  const absl::StatusOr<std::string> fault =
      co_await CheckDnsblZone(board->resolver, board->questions.zones[i], board->any_v6, wait);
  if (!Stopped(board, fault)) board->zone_faults[i] = *fault;
}

Awaitable<void> Look(Board* board, size_t i) {
  const Deadline wait = WaitOf(*board);
  const size_t records = board->questions.records.size();
  if (i < records) {
    absl::StatusOr<v1::RecordCheck> check =
        co_await LookAtOwnRecord(board->resolver, board->questions.records[i], wait);
    if (!Stopped(board, check)) board->answers.records[i] = *std::move(check);
    co_return;
  }
  const CheckedIp& ip = board->questions.ips[i - records];
  const absl::StatusOr<ReverseFacts> facts = co_await LookUpReverse(board->resolver, ip.address, ip.ehlo_name, wait);
  if (Stopped(board, facts)) co_return;
  board->answers.reverse[i - records] = JudgeReverse(*facts);
  board->answers.reverse_names[i - records] = facts->names;
}

Awaitable<void> LookUpListing(Board* board, size_t i) {
  const size_t zones = board->questions.zones.size();
  const DnsblZone& zone = board->questions.zones[i % zones];
  const CheckedIp& ip = board->questions.ips[i / zones];
  std::optional<v1::Listing>& answer = board->answers.listings[i / zones][i % zones];
  if (ip.address.is_v6() && !zone.ipv6) {
    answer.emplace();
  } else if (const std::string& fault = board->zone_faults[i % zones]; !fault.empty()) {
    answer = NoAnswerFrom(zone, fault);
  } else {
    const Deadline wait = WaitOf(*board);
    absl::StatusOr<v1::Listing> listing = co_await LookUpDnsbl(board->resolver, zone, ip.address, wait);
    if (!Stopped(board, listing)) answer = *std::move(listing);
  }
}

Awaitable<void> Work(Board* board) {
  while (board->taken < board->total && board->stopped.ok() && !board->halt->halted() &&
         std::chrono::steady_clock::now() < board->end) {
    const size_t i = (board->first + board->taken++) % board->total;
    switch (board->kind) {
      case Board::Kind::kZones:
        co_await LookAtZone(board, i);
        break;
      case Board::Kind::kLooks:
        co_await Look(board, i);
        break;
      case Board::Kind::kListings:
        co_await LookUpListing(board, i);
        break;
    }
  }
}

// A round: kLooksAtOnce workers share the looks. `turn`: where to begin, moved on. Returns when the last has ended.
Awaitable<void> Round(Board* board, Board::Kind kind, size_t total, size_t* turn, Deadline end) {
  if (total == 0 || !board->stopped.ok() || board->halt->halted()) co_return;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer done(executor, asio::steady_timer::time_point::max());
  board->kind = kind;
  board->total = total;
  board->first = *turn % total;
  board->taken = 0;
  board->end = end;
  board->done = &done;
  board->workers = std::min(total, kLooksAtOnce);
  for (size_t n = board->workers; n > 0; --n) {
    const auto ended = [board](std::exception_ptr) {  // a cancelled worker ends by one
      if (--board->workers == 0) board->done->cancel();
    };
    asio::co_spawn(executor, Work(board), asio::bind_cancellation_slot(board->signals.emplace_back().slot(), ended));
  }
  board->halt->Set([board] {
    for (asio::cancellation_signal& signal : board->signals) signal.emit(asio::cancellation_type::terminal);
  });
  while (board->workers > 0) co_await done.async_wait(use_tuple);
  board->halt->Set(nullptr);
  board->signals.clear();
  *turn = (board->first + board->taken) % total;
  board->answers.left += total - board->taken;
}

}  // namespace

Awaitable<absl::StatusOr<IdentityAnswers>> AskIdentity(Resolver* resolver, IdentityQuestions questions,
                                                       IdentityTurn* turn, IdentityHalt* halt, absl::Duration time) {
  // The workers point into this frame: it stays until they have ended. They end soon once the resolver is stopped.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  if (questions.ips.size() > kCheckedIpsMax) questions.ips.resize(kCheckedIpsMax);
  if (questions.zones.size() > kDnsblZonesMax) questions.zones.resize(kDnsblZonesMax);
  // Nothing to look up is nothing to try the zones for.
  if (questions.ips.empty()) questions.zones.clear();
  Board board;
  board.resolver = resolver;
  board.halt = halt;
  board.any_v6 =
      std::any_of(questions.ips.begin(), questions.ips.end(), [](const CheckedIp& ip) { return ip.address.is_v6(); });
  board.answers.records.resize(questions.records.size());
  board.answers.reverse.resize(questions.ips.size());
  board.answers.reverse_names.resize(questions.ips.size());
  for (size_t i = 0; i < questions.ips.size(); ++i) board.answers.listings.emplace_back(questions.zones.size());
  board.zone_faults.assign(questions.zones.size(), "there was no time to try it");
  const size_t looks = questions.records.size() + questions.ips.size();
  const size_t pairs = questions.ips.size() * questions.zones.size();
  const size_t zones = questions.zones.size();
  board.questions = std::move(questions);
  size_t from_the_first = 0;
  const Deadline end = DeadlineAfter(time);
  const Deadline half = DeadlineAfter(time / 2);
  const Deadline zones_end = DeadlineAfter(time * 2 / 3);
  co_await Round(&board, Board::Kind::kLooks, looks, &turn->looks, half);
  co_await Round(&board, Board::Kind::kZones, zones, &from_the_first, zones_end);
  co_await Round(&board, Board::Kind::kListings, pairs, &turn->listings, end);
  if (halt->halted()) co_return absl::CancelledError("the check was ended");
  if (!board.stopped.ok()) co_return board.stopped;
  co_return std::move(board.answers);
}

}  // namespace wavepost
