#include "sender/smtp/tls_client.h"

#include <asio/ssl/context.hpp>

namespace wavepost {

TlsClient::~TlsClient() = default;

absl::StatusOr<std::shared_ptr<TlsClient>> TlsClient::Create(Options) {
  std::shared_ptr<TlsClient> client(new TlsClient());
  client->context_ = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  asio::error_code ignored;
  client->context_->set_verify_mode(asio::ssl::verify_none, ignored);
  return client;
}

}  // namespace wavepost
