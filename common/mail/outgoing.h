// From a stored content and one recipient to the bytes that leave: rendered, signed, complete. The sender and the
// preview of the coordinator both make messages here, so that the preview is what leaves.
//
// Immutable after Compile; any thread. CPU work only.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mail/message.h"

namespace wavepost {

namespace cluster::v1 {
class Content;
class KeySet;
}  // namespace cluster::v1

class DkimSigner;
class SmimeSigner;

// What MessageTemplate::Compile takes, from what the coordinator stores and sends. Move `content` in if it is not
// needed any more: the bytes of attachments then are not copied. An attachment without bytes (content.files is shorter)
// is empty.
ContentSpec SpecOf(cluster::v1::Content content);

struct OutgoingRecipient {
  std::string_view address;                          // normalized (address.h)
  const std::vector<std::string>* values = nullptr;  // in the order of content.columns
  std::string_view return_path;                      // "b+TOKEN@domain"
  absl::Time date;                                   // of acceptance: the same on every attempt
};

struct OutgoingMessage {
  std::string canonical;  // CRLF line ends, dots not doubled, ends with CRLF
  bool smtputf8 = false;
  bool has_8bit = false;
};

class OutgoingContent {
 public:
  // keys: what signs; without keys it leaves unsigned. content.content.smime asks for the S/MIME key of from_address.
  // Errors: as MessageTemplate::Compile, DkimSigner::Create, SmimeSigner::Create; kInvalidArgument: more than
  //         kDkimSignersMax keys, bytes of an attachment are missing; kFailedPrecondition: S/MIME is asked for and
  //         there is no key for the From address.
  static absl::StatusOr<std::shared_ptr<const OutgoingContent>> Compile(cluster::v1::Content content,
                                                                        const cluster::v1::KeySet& keys);

  // The same recipient yields the same bytes, except for randomness in the S/MIME signature (ECDSA).
  // Errors: as MessageTemplate::Render, DkimSign, SmimeSigner::Sign; kInvalidArgument: the content offers to
  //         unsubscribe, and the return path has no token.
  absl::StatusOr<OutgoingMessage> Make(const OutgoingRecipient& recipient) const;

  const MessageTemplate& message() const { return *message_; }
  bool is_signed() const { return !signers_.empty(); }
  // Bytes that it keeps in memory, about.
  size_t bytes() const { return bytes_; }

 private:
  OutgoingContent() = default;
  absl::StatusOr<OutgoingMessage> MakeSmime(const MessageTemplate::Recipient& recipient) const;
  // DKIM's, over rendered.headers and `body`; empty without keys.
  absl::StatusOr<std::string> Signatures(const RenderedMessage& rendered, std::string_view body, absl::Time date) const;

  std::shared_ptr<const MessageTemplate> message_;
  std::vector<std::shared_ptr<const DkimSigner>> signers_;
  std::shared_ptr<const SmimeSigner> smime_;
  std::string message_id_domain_;
  size_t bytes_ = 0;
  // Of the last message's signatures: most likely of the next one's too.
  mutable std::atomic<size_t> signature_bytes_ = 0;
};

// "LOCAL@domain", made from the return path: the same on every attempt, different for every recipient. A hash, so that
// the token in it does not travel in a second place.
std::string StableMessageId(std::string_view return_path, std::string_view domain);

}  // namespace wavepost
