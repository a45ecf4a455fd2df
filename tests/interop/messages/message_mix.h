// Messages of many kinds, and what a reader must find in them: told from what went in, not from what we made of it.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "wavepost/cluster/v1/dispatch_service.pb.h"

namespace wavepost {

struct MixedMessage {
  cluster::v1::Content content;
  std::string recipient;
  std::vector<std::string> values;  // in the order of content.columns
  bool operator_signs_too = false;
  // subject, from_name, from_address, to, text (null: derived from the HTML), html, headers, attachments, smime,
  // unsubscribe.
  nlohmann::json expected;
};

// The n-th of a mix that holds, in a hundred: all languages, 1 to 30 KB, five larger, one of 2 MB, a third with files,
// a fifth with pictures, a twentieth with S/MIME. smime_from: addresses that have a certificate.
MixedMessage MakeMixedMessage(size_t n, const std::vector<std::string>& smime_from, std::mt19937_64* random);

}  // namespace wavepost
