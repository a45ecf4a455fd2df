// TLS over one socket, in steps that never wait: the connection awaits what a step asks for and calls it again.
//
// Ciphertext is gathered and leaves in one system call, so a message costs as many of them as in clear text.
// Not thread-safe; the socket outlives it.
#pragma once

#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "sender/tls/tls_demand.h"

using BIO = struct bio_st;
using SSL = struct ssl_st;
using SSL_SESSION = struct ssl_session_st;

namespace wavepost {

class TlsClient;

class TlsChannel {
 public:
  enum class Step {
    kDone,
    kWantRead,   // call again when the socket can be read
    kWantWrite,  // call again when it can be written
    kClosed,     // by the peer
    kFailed,     // error() says why
  };

  static constexpr size_t kGatherBytesMax = 64 * 1024;  // ciphertext held back

  ~TlsChannel();

  // kDone: encrypted, and the peer is what the demand asks for. Afterwards outcome() tells, on failure too.
  Step Handshake();

  // kDone: *count bytes, at least one.
  Step Read(char* to, size_t size, size_t* count);

  // Encrypts from the front of *bytes as much as may be gathered. Only kDone and kFailed. Flush sends.
  Step Write(std::string_view* bytes);
  Step Flush();
  bool NeedsFlush() const { return sent_ < out_.size(); }
  bool IsFull() const { return out_.size() - sent_ >= kGatherBytesMax; }

  const TlsOutcome& outcome() const { return outcome_; }
  const std::string& error() const { return error_; }

 private:
  friend class TlsClient;  // makes it
  struct Plan {
    bool demands_pkix = false;
    bool demands_dane = false;
    bool reports_pkix = false;        // testing: the handshake goes on, the outcome tells
    bool tlsa_unusable = false;       // told in the outcome
    std::string resume_key;           // in the client's cache
    std::string resumed_verified_by;  // of the session that was offered
  };

  TlsChannel(std::shared_ptr<TlsClient> client, SSL* ssl, asio::ip::tcp::socket* socket, Plan plan);

  struct Bio;  // the callbacks OpenSSL reads and writes through
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);
  void OnHandshakeDone();
  void OnHandshakeFailed();
  void FailVerification(long verify_result);
  Step Failed(int result, std::string_view doing);

  std::shared_ptr<TlsClient> client_;
  SSL* ssl_;
  asio::ip::tcp::socket* socket_;
  Plan plan_;
  TlsOutcome outcome_;
  std::string error_;
  std::string out_;  // ciphertext; sent_ bytes of it have left
  size_t sent_ = 0;
  bool peer_closed_ = false;
  bool verified_ = false;           // OnHandshakeDone was content: sessions may be kept
  SSL_SESSION* session_ = nullptr;  // came before that
};

}  // namespace wavepost
