#include "sender/tls/https_get.h"

#include <httplib.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr auto kConnectMax = std::chrono::seconds(15);  // of one address
// Handshake and headers beside the body: httplib bounds neither the number of header lines nor their length.
constexpr size_t kOverheadBytesMax = 256 * 1024;

// OpenSSL tells of every TLS record's header before it reads the record.
void CountRecord(int is_write, int /*version*/, int content_type, const void* data, size_t size, SSL* ssl, void* get) {
  if (is_write != 0 || content_type != SSL3_RT_HEADER || size < SSL3_RT_HEADER_LENGTH) return;
  const auto* header = static_cast<const unsigned char*>(data);
  const size_t record = SSL3_RT_HEADER_LENGTH + size_t{header[3]} * 256 + header[4];
  // A socket that is shut down still gives what goes on coming in: the reader must see an end.
  if (!static_cast<HttpsGet*>(get)->OnBytes(record)) SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

// OpenSSL's write() raises SIGPIPE when the server has gone. Here it may only fail.
void BlockSigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool IsTextPlain(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return EqualsIgnoreCase(type, "text/plain");
}

absl::Status ErrorOf(httplib::Error error, long verify_result) {
  switch (error) {
    case httplib::Error::SSLServerVerification:
      return absl::UnauthenticatedError(
          absl::StrCat("certificate: ", verify_result == X509_V_OK ? "hostname mismatch"
                                                                   : X509_verify_cert_error_string(verify_result)));
    case httplib::Error::SSLLoadingCerts:
      return absl::InternalError("the trusted roots cannot be read");
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return absl::UnavailableError("no connection");
    case httplib::Error::SSLConnection:
      return absl::UnavailableError("no TLS");
    default:
      return absl::UnavailableError("the connection broke off");
  }
}

}  // namespace

HttpsGet::~HttpsGet() {
  if (socket_ >= 0) close(socket_);
}

void HttpsGet::Interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

void HttpsGet::OnSocket(int socket) {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0) close(socket_);
  socket_ = dup(socket);
}

bool HttpsGet::OnBytes(size_t count) {
  bytes_ += count;
  const std::lock_guard lock(mutex_);
  if (bytes_ > BytesMax()) interrupted_ = true;
  if (interrupted_ && socket_ >= 0) shutdown(socket_, SHUT_RDWR);
  return !interrupted_;
}

size_t HttpsGet::BytesMax() const {
  return kOverheadBytesMax + request_.bytes_max;
}

std::chrono::microseconds HttpsGet::Left() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(request_.deadline - std::chrono::steady_clock::now());
}

absl::StatusOr<std::string> HttpsGet::Run() {
  BlockSigpipe();
  absl::StatusOr<std::string> result = absl::UnavailableError("no address");
  for (const std::string& address : request_.addresses) {
    {
      const std::lock_guard lock(mutex_);
      if (interrupted_) return absl::UnavailableError("interrupted");
    }
    if (Left().count() <= 0) return absl::DeadlineExceededError("deadline passed");
    bool try_next = false;
    result = GetFrom(address, &try_next);
    if (!try_next) break;
  }
  return result;
}

absl::StatusOr<std::string> HttpsGet::GetFrom(const std::string& address, bool* try_next) {
  httplib::SSLClient client(request_.host, request_.port);
  if (!client.is_valid()) return absl::InternalError("OpenSSL");
  SSL_CTX* context = client.ssl_context();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // httplib's own check of the name would take the common name, too (RFC 8461 section 3.3 wants a DNS-ID).
  X509_VERIFY_PARAM* verify = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_host(verify, request_.host.data(), request_.host.size()) != 1)
    return absl::InternalError("OpenSSL");
  SSL_CTX_set_msg_callback(context, &CountRecord);
  SSL_CTX_set_msg_callback_arg(context, this);
  client.enable_server_certificate_verification(true);
  if (!request_.ca_file.empty()) client.set_ca_cert_path(request_.ca_file);
  client.set_hostname_addr_map({{request_.host, address}});
  client.set_follow_location(false);
  client.set_keep_alive(false);
  client.set_decompress(false);
  const auto left = Left();
  client.set_connection_timeout(std::min<std::chrono::microseconds>(left, kConnectMax));
  client.set_read_timeout(left);
  client.set_write_timeout(left);
  client.set_socket_options([this](int socket) { OnSocket(socket); });

  bytes_ = 0;
  absl::Status refused;
  std::string body;
  const auto on_head = [&](const httplib::Response& response) {
    const std::string type = response.get_header_value("Content-Type");
    if (response.status != 200) {
      refused = absl::FailedPreconditionError(absl::StrCat("HTTP status ", response.status));
    } else if (!IsTextPlain(type)) {
      refused = absl::FailedPreconditionError(absl::StrCat("content type \"", Printable(type, 64), "\""));
    }
    return refused.ok();
  };
  const auto on_body = [&](const char* data, size_t size) {
    if (size > request_.bytes_max - body.size()) {
      refused = absl::FailedPreconditionError("the file is too long");
      return false;
    }
    body.append(data, size);
    return true;
  };
  const httplib::Result result = client.Get(request_.path, on_head, on_body);
  if (!refused.ok()) return refused;
  if (bytes_ > BytesMax()) return absl::FailedPreconditionError("the server sends too much");
  if (result) return body;
  const httplib::Error error = result.error();
  *try_next = error == httplib::Error::Connection || error == httplib::Error::ConnectionTimeout ||
              error == httplib::Error::SSLConnection;
  return ErrorOf(error, client.get_openssl_verify_result());
}

}  // namespace wavepost
