// What the unsubscribe page answers (RFC 8058): decided here, without a socket. Pure.
//
//   GET  .../TOKEN   a page that asks; changes nothing, as mail scanners open every link
//   POST .../TOKEN   with List-Unsubscribe=One-Click (a mailbox provider) or confirm=yes (the button) unsubscribes
//
// No redirects, no cookies, no scripts; nothing tells whether an address exists: the token names a number, not a name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/recipient_id.h"
#include "common/mail/verp.h"

namespace wavepost {

inline constexpr size_t kPagePathBytesMax = 512;
inline constexpr size_t kPageBodyBytesMax = 4096;  // one-click posts have 26 bytes, as a multipart form some hundred

struct PageRequest {
  std::string method;           // "GET"
  std::string path;             // without the query
  std::string accept_language;  // may be empty
  std::string content_type;     // of the body
  std::string body;             // at most kPageBodyBytesMax
};

struct PageAnswer {
  int status = 404;
  std::string html;          // UTF-8; the server leaves it out in answer to a HEAD
  std::string allow;         // of a 405
  bool unsubscribe = false;  // store it for `recipient` first; if that fails, answer PageOutOfOrder instead
  RecipientId recipient;
};

// The last part of the path is the token.
PageAnswer AnswerPage(const PageRequest& request, const TokenKeys& keys);

// 503: it could not be stored; the page asks to try again.
PageAnswer PageOutOfOrder(std::string_view accept_language);

// 429: too many requests from one address.
PageAnswer PageTooMany(std::string_view accept_language);

// True if the body of a POST says List-Unsubscribe=One-Click or confirm=yes, as application/x-www-form-urlencoded or
// multipart/form-data (RFC 8058 section 3.2 allows both).
bool AsksToUnsubscribe(std::string_view content_type, std::string_view body);

}  // namespace wavepost
