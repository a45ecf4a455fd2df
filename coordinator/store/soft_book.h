// The rows of soft bounces that one change touches: read together, altered, and stored with the rest of it.
//
// Most mail is delivered, so a delivery must cost next to nothing: no look at all while no row exists, else one lookup
// in a family with bloom filters, together with the others of the change.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/recipient_id.h"
#include "coordinator/store/change.h"
#include "coordinator/store/soft_bounces.h"
#include "wavepost/cluster/v1/coordinator_records.pb.h"

namespace wavepost {

class SoftBook {
 public:
  // Rows that are looked at for staleness whenever a new one is made.
  static constexpr int kSweptPerRow = 4;

  explicit SoftBook(Change* change) : change_(change) {}

  // A sign about the recipient of this campaign. `text`: the host's, for evidence.
  void Add(AddressSign sign, std::string_view campaign, std::string_view recipient_address, RecipientId id,
           std::string_view text);

  // Enters the signs in order; puts addresses on their tenants' lists. Once.
  absl::Status Enter();

 private:
  struct Given {
    AddressSign sign;
    std::string campaign;
    std::string address;
    RecipientId id;
    std::string text;
    std::string key;
  };
  struct Held {
    cluster::v1::SoftBounces history;
    bool stored = false;
    bool changed = false;
  };

  absl::StatusOr<std::map<std::string, Held>> Load() const;
  absl::StatusOr<SoftPolicy> PolicyOf(const std::string& tenant);
  absl::Status EnterOne(const Given& given, Held* held);
  absl::Status Sweep(const std::map<std::string, Held>& held);

  Change* const change_;
  std::vector<Given> given_;
  bool bounced_ = false;
  std::map<std::string, SoftPolicy> policies_;
};

}  // namespace wavepost
