// Makes a recipient's message as it would leave now, for people who want to see it before anybody else does.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "wavepost/cluster/v1/dispatch_service.pb.h"
#include "wavepost/v1/campaigns_service.pb.h"

namespace wavepost {

struct ApiContext;
struct Caller;

inline constexpr size_t kPreviewHtmlBytesMax = 24 << 20;

// Reads the store, signs, sends nothing. Blocks for the disk; holds a few times the message in memory.
//
// The return path is the one that the recipient's mail has; a sample's token names nobody.
// Errors: kNotFound (campaign, wave, recipient), kInvalidArgument (a sample that an import would refuse; reason
//         CANNOT_RENDER: values that cannot be rendered), kFailedPrecondition (NO_CERTIFICATE, CERTIFICATE_EXPIRED).
absl::StatusOr<v1::RenderMessageResponse> RenderForPreview(const ApiContext& api, const Caller& caller,
                                                           const v1::RenderMessageRequest& request);

// `html` with each "cid:ID" of an inline attachment replaced by its bytes as a data URL (RFC 2397). What would make it
// longer than kPreviewHtmlBytesMax stays as it is. Pure.
std::string WithPictures(std::string_view html, const cluster::v1::Content& content);

}  // namespace wavepost
