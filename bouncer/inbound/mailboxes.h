// Which addresses this server takes mail for. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/base/recipient_id.h"
#include "common/mail/verp.h"

namespace wavepost {

class Mailboxes {
 public:
  enum class Kind {
    kNone,         // 550
    kReturnPath,   // b+TOKEN, and the token is genuine
    kUnsubscribe,  // u+TOKEN, likewise (the mailto of List-Unsubscribe)
    kPostmaster,   // postmaster@domain, or just postmaster (RFC 5321 section 4.5.1)
  };
  struct Match {
    Kind kind = Kind::kNone;
    RecipientId recipient;  // of a genuine token
  };

  // domain: of the return paths, A-labels.
  Mailboxes(std::string domain, TokenKeys keys);

  // path: from a RCPT command, without brackets. Letter case does not matter.
  //
  // A genuine token is taken at any domain: customers point return paths below their own domains at us, and which ones
  // is the coordinator's to know. Nothing is ever relayed, so that this opens no door.
  Match Find(std::string_view path) const;

 private:
  std::string domain_;
  TokenKeys keys_;
};

}  // namespace wavepost
