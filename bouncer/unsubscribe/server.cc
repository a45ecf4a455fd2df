#include "bouncer/unsubscribe/server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/ip/address.hpp>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <iterator>
#include <list>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bouncer/inbound/client_key.h"
#include "bouncer/inbound/rate_book.h"
#include "bouncer/intake/records.h"
#include "bouncer/unsubscribe/page.h"
#include "common/base/status_macros.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kPemBytesMax = 1 << 20;

struct Address {
  sockaddr_storage storage{};
  bool v6 = false;
};

absl::StatusOr<Address> ParseListen(const std::string& listen) {
  const auto bad = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("'", listen, "' is not IP:PORT, e.g. 127.0.0.1:8080 or [::1]:8080 (unsubscribe.listen)"));
  };
  const size_t colon = listen.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return bad();
  }
  std::string host = listen.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  Address address;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    address.v6 = true;
  } else {
    return bad();
  }
  return address;
}

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read (unsubscribe.tls)"));
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.size() > kPemBytesMax) return absl::InvalidArgumentError(absl::StrCat(path, ": is not a PEM file"));
  return text;
}

std::string HeaderOf(MHD_Connection* connection, const char* name) {
  const char* const value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string() : std::string(value);
}

MHD_Result Queue(MHD_Connection* connection, const PageAnswer& answer) {
  MHD_Response* const response =
      MHD_create_response_from_buffer(answer.html.size(), const_cast<char*>(answer.html.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  const auto add = [response](const char* name, const char* value) { MHD_add_response_header(response, name, value); };
  add("Content-Type", "text/html; charset=utf-8");
  add("Cache-Control", "no-store");
  add("Content-Security-Policy",
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
  add("Referrer-Policy", "no-referrer");  // the link is a token
  add("X-Content-Type-Options", "nosniff");
  add("X-Robots-Tag", "noindex");
  if (!answer.allow.empty()) add("Allow", answer.allow.c_str());
  if (answer.status == 503 || answer.status == 429) add("Retry-After", "120");
  const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return queued;
}

// A client may send so much more than a body that we take before the connection ends.
constexpr size_t kSwallowedBytesMax = 64 * 1024;
constexpr size_t kClientEntries = 1 << 14;
constexpr size_t kRecipientEntries = 1 << 16;

// One request, from its header until it is answered. Owned by libmicrohttpd's pointer, freed in Completed.
struct Exchange {
  std::string body;
  size_t received = 0;
  std::optional<PageAnswer> answer;  // known, waits until it can be sent
  bool stored = false;               // of `answer`
};

// A connection: when its present request began. Owned by libmicrohttpd's socket context.
struct Peer {
  MHD_socket socket = MHD_INVALID_SOCKET;
  RateBook::Time since;
  std::list<Peer*>::iterator place;
};

uint64_t KeyOf(const sockaddr* address) {
  if (address == nullptr) return 0;
  if (address->sa_family == AF_INET) {
    return ClientKey(asio::ip::address_v4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr)));
  }
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, bytes.size());
  return ClientKey(asio::ip::address_v6(bytes));
}

}  // namespace

class UnsubscribeServer::Impl {
 public:
  Impl(Options options, const TokenKeys* keys, ReportStore* store, const Clock* clock)
      : options_(std::move(options)),
        keys_(keys),
        store_(store),
        clock_(clock),
        client_rates_(options_.client_requests_per_minute, absl::Minutes(1), kClientEntries, options_.seed),
        recipient_rates_(options_.recipient_posts_per_hour, absl::Hours(1), kRecipientEntries, options_.seed) {}
  ~Impl() { Stop(); }

  absl::Status Start() {
    ASSIGN_OR_RETURN(const Address address, ParseListen(options_.listen));
    std::string certificate;
    std::string key;
    std::vector<MHD_OptionItem> more;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    if (address.v6) flags |= MHD_USE_IPv6;
    if (!options_.certificate.empty()) {
      ASSIGN_OR_RETURN(certificate, ReadPem(options_.certificate));
      ASSIGN_OR_RETURN(key, ReadPem(options_.key));
      flags |= MHD_USE_TLS;
      more.push_back({MHD_OPTION_HTTPS_MEM_CERT, 0, certificate.data()});
      more.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, key.data()});
    }
    more.push_back({MHD_OPTION_END, 0, nullptr});
    daemon_ = MHD_start_daemon(flags, 0, nullptr, nullptr, &Impl::Handle, this, MHD_OPTION_SOCK_ADDR, &address.storage,
                               MHD_OPTION_NOTIFY_COMPLETED, &Impl::Completed, this, MHD_OPTION_NOTIFY_CONNECTION,
                               &Impl::Connected, this, MHD_OPTION_CONNECTION_LIMIT, options_.connections_max,
                               MHD_OPTION_PER_IP_CONNECTION_LIMIT, options_.connections_per_address_max,
                               MHD_OPTION_CONNECTION_TIMEOUT, options_.idle_timeout_s,
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, options_.connection_bytes_max,
                               MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, more.data(), MHD_OPTION_END);
    if (daemon_ == nullptr) {
      return absl::UnavailableError(absl::StrCat("cannot serve the unsubscribe page on ", options_.listen,
                                                 ": the port is taken, the address is not of this machine, or the "
                                                 "certificate and its key do not fit"));
    }
    const MHD_DaemonInfo* const info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT);
    port_ = info == nullptr ? 0 : info->port;
    return absl::OkStatus();
  }

  void Stop() {
    if (daemon_ == nullptr) return;
    // The listening socket is ours from here on.
    const MHD_socket listener = MHD_quiesce_daemon(daemon_);
    {
      std::unique_lock lock(mutex_);
      // Connections that are open go on sending; a suspended one at the end would be an error of ours.
      stopping_ = true;
      idle_.wait(lock, [this] { return waiting_ == 0; });
    }
    MHD_stop_daemon(daemon_);
    if (listener != MHD_INVALID_SOCKET) close(listener);
    daemon_ = nullptr;
  }

  int port() const { return port_; }
  const Counters& counters() const { return counters_; }

 private:
  static MHD_Result Handle(void* self, MHD_Connection* connection, const char* url, const char* method, const char*,
                           const char* upload, size_t* upload_bytes, void** state) {
    auto** const exchange = reinterpret_cast<Exchange**>(state);
    if (*exchange == nullptr) {
      *exchange = new Exchange();
      return MHD_YES;
    }
    return static_cast<Impl*>(self)->Advance(connection, url, method, upload, upload_bytes, *exchange);
  }

  static void Completed(void*, MHD_Connection* connection, void** state, MHD_RequestTerminationCode) {
    delete static_cast<Exchange*>(*state);
    *state = nullptr;
    Touch(connection);
  }

  static void Connected(void* self, MHD_Connection* connection, void** context, MHD_ConnectionNotificationCode code) {
    static_cast<Impl*>(self)->Register(connection, context, code == MHD_CONNECTION_NOTIFY_STARTED);
  }

  static void Touch(MHD_Connection* connection) {
    const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info == nullptr || info->socket_context == nullptr) return;
    static_cast<Peer*>(info->socket_context)->since = std::chrono::steady_clock::now();
  }

  // Everything below runs on libmicrohttpd's thread, but for what the store calls back.

  // libmicrohttpd's time limit is for silence only. Whoever sends a byte now and then is cut when others need the room.
  void Register(MHD_Connection* connection, void** context, bool started) {
    if (!started) {
      auto* const peer = static_cast<Peer*>(*context);
      if (peer == nullptr) return;
      peers_.erase(peer->place);
      delete peer;
      *context = nullptr;
      return;
    }
    const RateBook::Time now = std::chrono::steady_clock::now();
    if (peers_.size() > options_.connections_max / 2) {
      for (const Peer* const peer : peers_) {
        if (now - peer->since > absl::ToChronoNanoseconds(options_.request_max)) shutdown(peer->socket, SHUT_RDWR);
      }
    }
    const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    auto* const peer = new Peer{.socket = info == nullptr ? MHD_INVALID_SOCKET : info->connect_fd, .since = now};
    peer->place = peers_.insert(peers_.end(), peer);
    *context = peer;
  }

  bool ClientMayAsk(MHD_Connection* connection) {
    const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return client_rates_.Take(KeyOf(info == nullptr ? nullptr : info->client_addr), std::chrono::steady_clock::now());
  }

  MHD_Result Advance(MHD_Connection* connection, const char* url, const char* method, const char* upload,
                     size_t* upload_bytes, Exchange* exchange) {
    if (*upload_bytes > 0) {
      exchange->received += *upload_bytes;
      if (exchange->received > kSwallowedBytesMax) return MHD_NO;
      if (exchange->received <= kPageBodyBytesMax) exchange->body.append(upload, *upload_bytes);
      *upload_bytes = 0;
      return MHD_YES;
    }
    if (exchange->answer.has_value()) {
      const uint64_t recipient = exchange->answer->recipient.packed();
      if (exchange->stored) recipient_rates_.Take(recipient, std::chrono::steady_clock::now());
      return Queue(connection, *exchange->answer);
    }
    if (exchange->received > kPageBodyBytesMax) {
      counters_.refused.fetch_add(1);
      return Queue(connection, {.status = 413});
    }
    const std::string languages = HeaderOf(connection, "Accept-Language");
    if (!ClientMayAsk(connection)) {
      counters_.too_many.fetch_add(1);
      return Queue(connection, PageTooMany(languages));
    }
    PageAnswer answer = AnswerPage({.method = method,
                                    .path = url,
                                    .accept_language = languages,
                                    .content_type = HeaderOf(connection, "Content-Type"),
                                    .body = std::move(exchange->body)},
                                   *keys_);
    if (!answer.unsubscribe) {
      (answer.status == 200 ? counters_.pages : counters_.refused).fetch_add(1);
      return Queue(connection, answer);
    }
    if (!recipient_rates_.Has(answer.recipient.packed(), std::chrono::steady_clock::now())) {
      // It was stored as often; nothing would change.
      counters_.repeated.fetch_add(1);
      return Queue(connection, answer);
    }
    return Store(connection, std::move(answer), languages, exchange);
  }

  // Stored, then answered.
  MHD_Result Store(MHD_Connection* connection, PageAnswer answer, const std::string& languages, Exchange* exchange) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || waiting_ >= options_.posts_waiting_max) {
        counters_.not_stored.fetch_add(1);
        return Queue(connection, PageOutOfOrder(languages));
      }
      ++waiting_;
    }
    std::vector<cluster::v1::BounceReport> records = {RecordOfPage(answer.recipient, clock_->Now())};
    // Before the store hears of it: `done` may run at once, and resuming what is not suspended is lost.
    MHD_suspend_connection(connection);
    store_->Append(std::move(records),
                   [this, connection, exchange, languages, answer = std::move(answer)](absl::Status status) mutable {
                     exchange->stored = status.ok();
                     if (status.ok()) {
                       counters_.unsubscribed.fetch_add(1);
                       spdlog::debug("event=unsubscribed recipient={} by=page", answer.recipient.ToString());
                     } else {
                       counters_.not_stored.fetch_add(1);
                       spdlog::error("event=unsubscribe_not_stored recipient={} error=\"{}\"",
                                     answer.recipient.ToString(), Printable(Sv(status.message())));
                       answer = PageOutOfOrder(languages);
                     }
                     exchange->answer = std::move(answer);
                     // The lock is held over it: Stop() waits for this before the daemon goes.
                     const std::lock_guard lock(mutex_);
                     MHD_resume_connection(connection);
                     --waiting_;
                     idle_.notify_all();
                   });
    return MHD_YES;
  }

  const Options options_;
  const TokenKeys* const keys_;
  ReportStore* const store_;
  const Clock* const clock_;
  Counters counters_;
  RateBook client_rates_;
  RateBook recipient_rates_;
  std::list<Peer*> peers_;
  MHD_Daemon* daemon_ = nullptr;
  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable idle_;
  int waiting_ = 0;  // posts that are with the store
  bool stopping_ = false;
};

absl::StatusOr<std::unique_ptr<UnsubscribeServer>> UnsubscribeServer::Start(Options options, const TokenKeys* keys,
                                                                            ReportStore* store, const Clock* clock) {
  auto impl = std::make_unique<Impl>(std::move(options), keys, store, clock);
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<UnsubscribeServer>(new UnsubscribeServer(std::move(impl)));
}

UnsubscribeServer::UnsubscribeServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UnsubscribeServer::~UnsubscribeServer() = default;

int UnsubscribeServer::port() const {
  return impl_->port();
}
const UnsubscribeServer::Counters& UnsubscribeServer::counters() const {
  return impl_->counters();
}
void UnsubscribeServer::Stop() {
  impl_->Stop();
}

}  // namespace wavepost
