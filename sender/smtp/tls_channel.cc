#include "sender/smtp/tls_channel.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/strings.h"
#include "sender/smtp/tls_client.h"
#include "sender/smtp/tls_verdict.h"

namespace wavepost {
namespace {

constexpr size_t kPieceBytes = 16 * 1024;  // a TLS record
constexpr size_t kKeepOutBytes = 32 * 1024;

// The oldest error that OpenSSL has queued, for people.
std::string QueuedError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "";
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? absl::StrCat("error ", code) : std::string(reason);
}

}  // namespace

// OpenSSL's own socket BIO would write without MSG_NOSIGNAL, one record per call, and to a descriptor that may belong
// to somebody else by now.
struct TlsChannel::Bio {
  static int Write(BIO* bio, const char* bytes, int count) {
    static_cast<TlsChannel*>(BIO_get_data(bio))->out_.append(bytes, static_cast<size_t>(count));
    return count;
  }
  static int Read(BIO* bio, char* to, int size) {
    auto* channel = static_cast<TlsChannel*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (!channel->socket_->is_open()) return -1;
    const ssize_t count = ::recv(channel->socket_->native_handle(), to, static_cast<size_t>(size), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_read(bio);
    if (count == 0) channel->peer_closed_ = true;
    return static_cast<int>(count);
  }
  static long Control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return static_cast<TlsChannel*>(BIO_get_data(bio))->peer_closed_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static const BIO_METHOD* Method() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wavepost socket");
      BIO_meth_set_write(made, &Write);
      BIO_meth_set_read(made, &Read);
      BIO_meth_set_ctrl(made, &Control);
      return made;
    }();
    return method;
  }
};

TlsChannel::TlsChannel(std::shared_ptr<TlsClient> client, SSL* ssl, asio::ip::tcp::socket* socket, Plan plan)
    : client_(std::move(client)), ssl_(ssl), socket_(socket), plan_(std::move(plan)) {
  BIO* bio = BIO_new(Bio::Method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
}

TlsChannel::~TlsChannel() {
  if (session_ != nullptr) SSL_SESSION_free(session_);
  // Mail hosts hang up without a farewell of TLS's; OpenSSL would never resume such a session.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
  ERR_clear_error();
}

TlsChannel::Step TlsChannel::Failed(int result, std::string_view doing) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantRead;
    case SSL_ERROR_ZERO_RETURN:
      return Step::kClosed;
    default:
      break;
  }
  std::string reason = QueuedError();
  if (reason.empty() && !peer_closed_) reason = std::strerror(errno);
  if (reason.empty() || peer_closed_) {
    error_ = absl::StrCat(Av(doing), ": the host closed the connection");
    return Step::kClosed;
  }
  error_ = absl::StrCat(Av(doing), ": ", reason);
  return Step::kFailed;
}

TlsChannel::Step TlsChannel::Handshake() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_) == 0) {
    const int result = SSL_connect(ssl_);
    if (result == 1) {
      OnHandshakeDone();
    } else {
      const Step step = Failed(result, "TLS handshake");
      const Step flushed = Flush();  // the alert too
      if (step == Step::kWantRead) return flushed == Step::kDone ? Step::kWantRead : flushed;
      OnHandshakeFailed();
      return Step::kFailed;
    }
  }
  const Step flushed = Flush();
  if (flushed != Step::kDone) return flushed;
  return error_.empty() ? Step::kDone : Step::kFailed;
}

void TlsChannel::FailVerification(long verify_result) {
  outcome_.failure_type = std::string(TlsFailureType(verify_result));
  outcome_.failure_detail = X509_verify_cert_error_string(verify_result);
}

void TlsChannel::OnHandshakeFailed() {
  const long verify_result = SSL_get_verify_result(ssl_);
  if ((plan_.demands_pkix || plan_.demands_dane) && verify_result != X509_V_OK) {
    FailVerification(verify_result);
    error_ = absl::StrCat("the host's certificate is not acceptable: ", outcome_.failure_detail);
  } else {
    outcome_.failure_type = std::string(kTlsValidationFailure);
    outcome_.failure_detail = Printable(error_, 200);
  }
  if (!plan_.resume_key.empty()) client_->Forget(plan_.resume_key);
}

void TlsChannel::OnHandshakeDone() {
  outcome_.encrypted = true;
  outcome_.protocol_and_cipher = absl::StrCat(SSL_get_version(ssl_), " ", SSL_get_cipher_name(ssl_));
  const long verify_result = SSL_get_verify_result(ssl_);
  const bool has_certificate = SSL_get0_peer_certificate(ssl_) != nullptr;
  const bool is_good = has_certificate && verify_result == X509_V_OK;
  if (SSL_session_reused(ssl_) != 0) {
    outcome_.verified_by = plan_.resumed_verified_by;
  } else if (plan_.demands_dane) {
    unsigned char usage = 0;
    if (is_good && SSL_get0_dane_authority(ssl_, nullptr, nullptr) >= 0 &&
        SSL_get0_dane_tlsa(ssl_, &usage, nullptr, nullptr, nullptr, nullptr) >= 0) {
      outcome_.verified_by = usage == 3 ? "DANE-EE" : "DANE-TA";
    }
  } else if ((plan_.demands_pkix || plan_.reports_pkix) && is_good) {
    outcome_.verified_by = "PKIX";
  }
  if (plan_.tlsa_unusable) {
    outcome_.failure_type = std::string(kTlsaInvalid);
    outcome_.failure_detail = "none of the TLSA records is usable";
  }
  if (!outcome_.verified_by.empty() || !(plan_.demands_pkix || plan_.demands_dane || plan_.reports_pkix)) {
    verified_ = true;
    if (session_ != nullptr) client_->Keep(plan_.resume_key, std::exchange(session_, nullptr), outcome_.verified_by);
    return;
  }
  FailVerification(verify_result == X509_V_OK ? X509_V_ERR_UNSPECIFIED : verify_result);
  // A demand ends a bad handshake before it is done (SSL_VERIFY_PEER); this is the net under it.
  if (!plan_.reports_pkix) error_ = absl::StrCat("the host could not be verified: ", outcome_.failure_detail);
}

int TlsChannel::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  auto* channel = static_cast<TlsChannel*>(SSL_get_app_data(ssl));
  if (channel->plan_.resume_key.empty() || SSL_SESSION_is_resumable(session) == 0) return 0;
  if (channel->verified_) {
    channel->client_->Keep(channel->plan_.resume_key, session, channel->outcome_.verified_by);
  } else {
    if (channel->session_ != nullptr) SSL_SESSION_free(channel->session_);
    channel->session_ = session;
  }
  return 1;  // taken
}

TlsChannel::Step TlsChannel::Read(char* to, size_t size, size_t* count) {
  ERR_clear_error();
  const int result = SSL_read(ssl_, to, static_cast<int>(std::min<size_t>(size, INT_MAX)));
  if (result > 0) {
    *count = static_cast<size_t>(result);
    return Step::kDone;
  }
  return Failed(result, "TLS read");
}

TlsChannel::Step TlsChannel::Write(std::string_view* bytes) {
  ERR_clear_error();
  while (!bytes->empty() && !IsFull()) {
    const int piece = static_cast<int>(std::min(bytes->size(), kPieceBytes));
    const int result = SSL_write(ssl_, bytes->data(), piece);
    if (result <= 0) {
      const Step step = Failed(result, "TLS write");
      if (step == Step::kWantRead) error_ = "TLS write: the host renegotiates";
      return step == Step::kClosed ? Step::kClosed : Step::kFailed;
    }
    bytes->remove_prefix(static_cast<size_t>(result));
  }
  return Step::kDone;
}

TlsChannel::Step TlsChannel::Flush() {
  while (sent_ < out_.size()) {
    if (!socket_->is_open()) {
      error_ = "the connection is closed";
      return Step::kFailed;
    }
    const ssize_t count =
        ::send(socket_->native_handle(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Step::kWantWrite;
      if (error_.empty()) error_ = absl::StrCat("write: ", std::strerror(errno));
      return Step::kFailed;
    }
    sent_ += static_cast<size_t>(count);
  }
  out_.clear();
  sent_ = 0;
  if (out_.capacity() > kKeepOutBytes) out_.shrink_to_fit();
  return Step::kDone;
}

}  // namespace wavepost
