// The rows of soft bounces that one change touches: read together, altered, and stored with the rest of it.
//
// Most mail is delivered, so a delivery must cost next to nothing: no look at all while no row exists, else one lookup
// in a family with bloom filters, together with the others of the change.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/recipient_id.h"
#include "coordinator/store/change.h"
#include "coordinator/store/soft_bounces.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"

namespace wavepost {

class SoftBook {
 public:
  // Rows that are looked at for staleness for each new one, so that they go faster than they come; and in one change.
  static constexpr size_t kSweptPerRow = 4;
  static constexpr size_t kSweptMax = 2000;

  explicit SoftBook(Change* change) : change_(change) {}

  // A sign about the recipient of this campaign. `text`: the host's, for evidence. All texts must outlive Enter.
  void Add(AddressSign sign, std::string_view campaign, std::string_view recipient_address, RecipientId id,
           std::string_view text);

  // Enters the signs in order; puts addresses on their tenants' lists. Once.
  absl::Status Enter();

 private:
  struct Given {
    AddressSign sign;
    std::string_view campaign;
    std::string_view address;
    RecipientId id;
    std::string_view text;
  };
  struct Held {
    cluster::v1::SoftBounces history;
    bool stored = false;
    bool changed = false;
  };

  using Rows = absl::flat_hash_map<std::string, Held>;  // by key

  // The rows that are there, and those that a bounce is about to make.
  absl::StatusOr<Rows> Load() const;
  absl::StatusOr<SoftPolicy> PolicyOf(const std::string& tenant);
  absl::Status EnterOne(const Given& given, Held* held);
  absl::Status Sweep(const Rows& held, size_t rows_max);

  Change* const change_;
  std::vector<Given> given_;
  std::vector<std::string> keys_;  // of the rows, parallel
  bool bounced_ = false;
  std::map<std::string, SoftPolicy> policies_;
};

}  // namespace wavepost
