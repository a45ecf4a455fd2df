#include "common/dns/cares_channel.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <asio/ip/address_v4.hpp>
#include <asio/ip/address_v6.hpp>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/check.h"

namespace wavepost {
namespace {

// What survives most paths without fragments (the DNS flag day 2020 value).
constexpr int kUdpBytesMax = 1232;
constexpr int kHeaderBytes = 12;
constexpr unsigned char kAdBit = 0x20;  // in the header's fourth byte
constexpr unsigned char kRcodeMask = 0x0F;

bool IsFormError(const unsigned char* packet, int size) {
  return packet != nullptr && size >= kHeaderBytes && (packet[3] & kRcodeMask) == ns_r_formerr;
}

// Unpredictable, as a defence against forged answers. (c-ares numbers only the queries that it builds itself.)
unsigned short RandomId() {
  unsigned short id = 0;
  WP_CHECK(getentropy(&id, sizeof(id)) == 0);  // fails on no kernel that we run on
  return id;
}

absl::Status InitLibraryOnce() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);  // thread-safe: a static initializer
  if (status != ARES_SUCCESS) return absl::InternalError(absl::StrCat("c-ares: ", ares_strerror(status)));
  return absl::OkStatus();
}

absl::StatusOr<DnsAnswer> ToAnswer(int status, std::string_view packet, std::string_view name, RecordType type) {
  switch (status) {
    case ARES_SUCCESS:
      return ParseAnswer(packet, name, type);
    case ARES_ENODATA:
    case ARES_ENOTFOUND: {
      absl::StatusOr<DnsAnswer> answer = ParseAnswer(packet, name, type);  // for the TTL of the absence
      if (answer.ok()) return answer;
      DnsAnswer nothing;
      nothing.name_exists = status == ARES_ENODATA;
      return nothing;
    }
    case ARES_EBADNAME:
      return absl::InvalidArgumentError("not a domain name");
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return absl::CancelledError("lookup stopped");
    default:
      return absl::UnavailableError(absl::StrCat("DNS: ", ares_strerror(status)));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<CaresChannel>> CaresChannel::Create(asio::io_context& io,
                                                                   const std::vector<std::string>& servers,
                                                                   absl::Duration timeout, int tries,
                                                                   std::optional<bool> trust_ad) {
  if (absl::Status status = InitLibraryOnce(); !status.ok()) return status;
  std::unique_ptr<CaresChannel> self(new CaresChannel(io));
  ares_options options = {};
  // No search domains, no HOSTALIASES: a recipient's domain is taken as it stands.
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
  options.timeout = static_cast<int>(absl::ToInt64Milliseconds(timeout));
  options.tries = tries;
  options.ednspsz = kUdpBytesMax;
  options.sock_state_cb = &CaresChannel::OnSocketState;
  options.sock_state_cb_data = self.get();
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&self->channel_, &options, mask); status != ARES_SUCCESS) {
    self->channel_ = nullptr;
    return absl::InternalError(absl::StrCat("c-ares: ", ares_strerror(status)));
  }
  if (!servers.empty()) {
    const std::string list = absl::StrJoin(servers, ",");
    if (const int status = ares_set_servers_ports_csv(self->channel_, list.c_str()); status != ARES_SUCCESS) {
      return absl::InvalidArgumentError(absl::StrCat("DNS servers \"", list, "\": ", ares_strerror(status)));
    }
  }
  self->trust_ad_ = trust_ad.value_or(self->AllServersAreLoopback());
  return self;
}

bool CaresChannel::AllServersAreLoopback() {
  ares_addr_port_node* servers = nullptr;
  if (ares_get_servers_ports(channel_, &servers) != ARES_SUCCESS || servers == nullptr) return false;
  bool all = true;
  for (const ares_addr_port_node* server = servers; server != nullptr; server = server->next) {
    if (server->family == AF_INET) {
      all = all && asio::ip::address_v4(ntohl(server->addr.addr4.s_addr)).is_loopback();
    } else {
      asio::ip::address_v6::bytes_type bytes;
      static_assert(sizeof(server->addr.addr6) == sizeof(bytes));
      std::memcpy(bytes.data(), &server->addr.addr6, bytes.size());
      all = all && asio::ip::address_v6(bytes).is_loopback();
    }
  }
  ares_free_data(servers);
  return all;
}

CaresChannel::~CaresChannel() {
  alive_.reset();
  if (channel_ != nullptr) ares_destroy(channel_);  // calls OnAnswer for what runs and OnSocketState for each socket
  for (auto& [fd, watch] : watches_) watch->descriptor.release();
}

std::shared_ptr<CaresChannel::Query> CaresChannel::Start(std::string name, RecordType type) {
  auto query = std::make_shared<Query>(io_);
  query->name = std::move(name);
  query->type = type;
  query->channel = this;
  Send(query);
  ArmTimer();
  return query;
}

// As ares_query does it, but with the AD bit set: without it, or DO, a resolver need not tell (RFC 6840 section 5.7).
void CaresChannel::Send(std::shared_ptr<Query> query) {
  unsigned char* packet = nullptr;
  int size = 0;
  const int status = ares_create_query(query->name.c_str(), ns_c_in, static_cast<int>(query->type), RandomId(),
                                       /*rd=*/1, &packet, &size, query->edns ? kUdpBytesMax : 0);
  auto* holder = new std::shared_ptr<Query>(std::move(query));  // OnAnswer, which is called exactly once, frees it
  if (status != ARES_SUCCESS) return OnAnswer(holder, status, 0, nullptr, 0);
  if (trust_ad_) packet[3] |= kAdBit;
  ares_send(channel_, packet, size, &CaresChannel::OnAnswer, holder);
  ares_free_string(packet);
}

Awaitable<absl::StatusOr<DnsAnswer>> CaresChannel::Wait(std::shared_ptr<Query> query) {
  if (!query->finished) co_await query->done.async_wait(use_tuple);
  co_return query->result;
}

void CaresChannel::CancelAll() {
  ares_cancel(channel_);
  ArmTimer();
}

void CaresChannel::OnAnswer(void* arg, int status, int /*timeouts*/, unsigned char* packet, int size) {
  const std::unique_ptr<std::shared_ptr<Query>> holder(static_cast<std::shared_ptr<Query>*>(arg));
  Query& query = **holder;
  if (status == ARES_SUCCESS && query.edns && IsFormError(packet, size)) {
    query.edns = false;
    query.channel->Send(*holder);
    return;
  }
  const std::string_view bytes =
      packet == nullptr ? std::string_view()
                        : std::string_view(reinterpret_cast<const char*>(packet), static_cast<size_t>(size));
  query.result = ToAnswer(status, bytes, query.name, query.type);
  if (query.result.ok() && !query.channel->trust_ad_) query.result->authentic = false;
  query.finished = true;
  query.done.cancel();  // resumes the waiter from the loop, never from inside c-ares
}

void CaresChannel::OnSocketState(void* self, ares_socket_t fd, int readable, int writable) {
  static_cast<CaresChannel*>(self)->WatchSocket(fd, readable != 0, writable != 0);
}

void CaresChannel::WatchSocket(ares_socket_t fd, bool readable, bool writable) {
  const auto it = watches_.find(fd);
  if (!readable && !writable) {
    if (it == watches_.end()) return;
    it->second->open = false;
    it->second->descriptor.release();  // c-ares closes it
    watches_.erase(it);
    return;
  }
  std::shared_ptr<Watch> watch;
  if (it != watches_.end()) {
    watch = it->second;
  } else {
    watch = std::make_shared<Watch>(io_);
    asio::error_code error;
    watch->descriptor.assign(fd, error);
    if (error) return;  // c-ares will time out and try elsewhere
    watches_.emplace(fd, watch);
  }
  watch->want_read = readable;
  watch->want_write = writable;
  Arm(fd, watch);
}

void CaresChannel::Arm(ares_socket_t fd, const std::shared_ptr<Watch>& watch) {
  const auto arm = [&](bool want, bool Watch::*armed, asio::posix::stream_descriptor::wait_type type, bool read) {
    if (!want || (*watch).*armed) return;
    (*watch).*armed = true;
    watch->descriptor.async_wait(
        type, [this, alive = std::weak_ptr<bool>(alive_), fd, watch, armed, read](asio::error_code error) {
          if (alive.expired()) return;
          (*watch).*armed = false;
          if (error || !watch->open) return;
          Process(read ? fd : ARES_SOCKET_BAD, read ? ARES_SOCKET_BAD : fd);
          if (!alive.expired() && watch->open) Arm(fd, watch);
        });
  };
  arm(watch->want_read, &Watch::reading, asio::posix::stream_descriptor::wait_read, true);
  arm(watch->want_write, &Watch::writing, asio::posix::stream_descriptor::wait_write, false);
}

void CaresChannel::Process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  ArmTimer();
}

void CaresChannel::ArmTimer() {
  timeval wait = {};
  if (ares_timeout(channel_, nullptr, &wait) == nullptr) {  // nothing is running
    timer_.cancel();
    return;
  }
  // One millisecond more: c-ares counts in milliseconds and would find nothing due if woken within the last one.
  timer_.expires_after(std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec) +
                       std::chrono::milliseconds(1));
  timer_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](asio::error_code error) {
    if (!error && !alive.expired()) Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

}  // namespace wavepost
