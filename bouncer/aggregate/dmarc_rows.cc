#include "bouncer/aggregate/dmarc_rows.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace wavepost {
namespace {

using Rows = google::protobuf::RepeatedPtrField<v1::DmarcRow>;

constexpr int64_t kRowCountMax = 1'000'000'000'000;

std::string KeyOf(const v1::DmarcRow& row) {
  return absl::StrCat(row.source_ip(), "\n", row.disposition(), "\n", row.dkim_aligned() ? "d" : "",
                      row.spf_aligned() ? "s" : "", "\n", row.header_from(), "\n", row.envelope_from());
}

// About what a row takes in the report: tag and length each.
size_t BytesOf(const v1::DmarcRow& row) {
  return row.ByteSizeLong() + 4;
}

size_t BytesOf(const Rows& rows) {
  size_t bytes = 0;
  for (const v1::DmarcRow& row : rows) bytes += BytesOf(row);
  return bytes;
}

void MoveInto(Rows rows, DmarcRows* out) {
  for (v1::DmarcRow& row : rows) out->Add(std::move(row));
}

// Keeps those with the most messages, in their order. True if one was dropped.
bool DropSmallest(size_t bytes_max, Rows* rows) {
  std::vector<int> order(static_cast<size_t>(rows->size()));
  for (int i = 0; i < rows->size(); ++i) order[static_cast<size_t>(i)] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return rows->Get(a).count() > rows->Get(b).count(); });
  std::vector<bool> keep(order.size(), false);
  size_t bytes = 0;
  for (const int i : order) {
    bytes += BytesOf(rows->Get(i));
    if (bytes > bytes_max) break;
    keep[static_cast<size_t>(i)] = true;
  }
  Rows kept;
  for (int i = 0; i < rows->size(); ++i) {
    if (keep[static_cast<size_t>(i)]) *kept.Add() = std::move(*rows->Mutable(i));
  }
  const bool dropped = kept.size() < rows->size();
  *rows = std::move(kept);
  return dropped;
}

}  // namespace

void DmarcRows::Add(v1::DmarcRow row) {
  std::string key = KeyOf(row);
  const auto found = places_.find(key);
  if (found != places_.end()) {
    v1::DmarcRow* const old = rows_.Mutable(static_cast<int>(found->second));
    old->set_count(std::min(kRowCountMax, old->count() + row.count()));
    return;
  }
  if (places_.size() >= kDmarcRowsMax) {
    dropped_ = true;
    return;
  }
  places_.emplace(std::move(key), static_cast<size_t>(rows_.size()));
  *rows_.Add() = std::move(row);
}

void DmarcRows::MoveTo(v1::DmarcReport* report) {
  const size_t room = kAggregateBytesMax - std::min(kAggregateBytesMax, report->ByteSizeLong() + 1024);
  for (int step = 0; step < 2 && BytesOf(rows_) > room; ++step) {
    DmarcRows merged;
    for (v1::DmarcRow& row : rows_) {
      row.clear_envelope_from();
      if (step == 1) row.clear_header_from();
    }
    MoveInto(std::move(rows_), &merged);
    rows_ = std::move(merged.rows_);
  }
  if (BytesOf(rows_) > room && DropSmallest(room, &rows_)) dropped_ = true;
  if (dropped_) report->set_incomplete(true);
  *report->mutable_rows() = std::move(rows_);
}

}  // namespace wavepost
