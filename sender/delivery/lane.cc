#include "sender/delivery/lane.h"

#include <algorithm>
#include <utility>

namespace wavepost {

void Lane::OnAdded(int64_t due_ms) {
  // Something new may stand before the place where we are: read from the front again. `known_` keeps what we have
  // already from being taken twice.
  if (cursor_.has_value() && due_ms <= cursor_->due_ms) cursor_.reset();
  next_due_ms_ = std::min(next_due_ms_, due_ms);
}

size_t Lane::OnPage(QueueStore::LanePage page) {
  size_t added = 0;
  next_due_ms_ = page.next_due_ms.value_or(kNever);
  if (!page.items.empty()) {
    const QueueItem& last = page.items.back();
    cursor_ = QueueItem{.lane = {}, .due_ms = last.due_ms, .id = last.id, .entry = {}};
  }
  for (QueueItem& item : page.items) {
    if (!known_.insert(item.id.packed()).second) continue;
    ready_.push_back(std::move(item));
    ++added;
  }
  return added;
}

std::optional<QueueItem> Lane::Take() {
  if (ready_.empty()) return std::nullopt;
  window_ = kWindow;
  std::optional<QueueItem> item = std::move(ready_.front());
  ready_.pop_front();
  return item;
}

void Lane::PutBack(QueueItem item) {
  ready_.push_front(std::move(item));
}

void Lane::Reread(int64_t now_ms) {
  for (const QueueItem& item : ready_) known_.erase(item.id.packed());
  ready_.clear();
  cursor_.reset();
  next_due_ms_ = std::min(next_due_ms_, now_ms);
}

}  // namespace wavepost
