#include "common/dns/fake_dns_server.h"

#include <array>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/address.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr int kTypeA = 1;
constexpr int kTypeCname = 5;
constexpr int kTypeSoa = 6;
constexpr int kTypePtr = 12;
constexpr int kTypeMx = 15;
constexpr int kTypeTxt = 16;
constexpr int kTypeAaaa = 28;
constexpr int kTypeOpt = 41;
constexpr int kTypeTlsa = 52;
constexpr int kFormError = 1;
constexpr size_t kTxtStringBytesMax = 255;
constexpr size_t kHeaderBytes = 12;
constexpr int kCnamesMax = 8;

void Append16(std::string* out, uint16_t value) {
  out->push_back(static_cast<char>(value >> 8));
  out->push_back(static_cast<char>(value));
}

void Append32(std::string* out, uint32_t value) {
  Append16(out, static_cast<uint16_t>(value >> 16));
  Append16(out, static_cast<uint16_t>(value));
}

void AppendRecord(std::string* out, std::string_view name, int type, uint32_t ttl, std::string_view data) {
  *out += EncodeDnsName(name);
  Append16(out, static_cast<uint16_t>(type));
  Append16(out, 1);  // IN
  Append32(out, ttl);
  Append16(out, static_cast<uint16_t>(data.size()));
  *out += data;
}

template <class Bytes>
std::string ToString(const Bytes& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

std::string EncodeDnsName(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (!label.empty()) {
      out.push_back(static_cast<char>(label.size()));
      out += label;
    }
    name = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  }
  out.push_back('\0');
  return out;
}

FakeDnsServer::FakeDnsServer(asio::io_context& io) : udp_(io), acceptor_(io) {
  const asio::ip::address loopback = asio::ip::make_address("127.0.0.1");
  // A port that is free for UDP may be taken for TCP: try another.
  for (int attempt = 0; attempt < 100; ++attempt) {
    udp_ = asio::ip::udp::socket(io, asio::ip::udp::endpoint(loopback, 0));
    acceptor_ = asio::ip::tcp::acceptor(io);
    acceptor_.open(asio::ip::tcp::v4());
    asio::error_code error;
    acceptor_.bind(asio::ip::tcp::endpoint(loopback, udp_.local_endpoint().port()), error);
    if (!error) break;
  }
  acceptor_.listen();
  asio::co_spawn(io, ServeUdp(), asio::detached);
  asio::co_spawn(io, AcceptTcp(), asio::detached);
}

std::string FakeDnsServer::address() const {
  return "127.0.0.1:" + std::to_string(udp_.local_endpoint().port());
}

void FakeDnsServer::AddMx(const std::string& name, uint16_t preference, std::string_view host, uint32_t ttl) {
  std::string data;
  Append16(&data, preference);
  data += EncodeDnsName(host);
  names_[name].records.push_back({kTypeMx, ttl, data});
}

void FakeDnsServer::AddA(const std::string& name, std::string_view address, uint32_t ttl) {
  names_[name].records.push_back({kTypeA, ttl, ToString(asio::ip::make_address_v4(std::string(address)).to_bytes())});
}

void FakeDnsServer::AddAaaa(const std::string& name, std::string_view address, uint32_t ttl) {
  names_[name].records.push_back(
      {kTypeAaaa, ttl, ToString(asio::ip::make_address_v6(std::string(address)).to_bytes())});
}

void FakeDnsServer::AddCname(const std::string& name, std::string_view target, uint32_t ttl) {
  names_[name].records.push_back({kTypeCname, ttl, std::string(target)});
}

void FakeDnsServer::AddPtr(const std::string& name, std::string_view host, uint32_t ttl) {
  names_[name].records.push_back({kTypePtr, ttl, EncodeDnsName(host)});
}

void FakeDnsServer::AddTxt(const std::string& name, std::string_view text, uint32_t ttl) {
  std::string data;
  do {
    const std::string_view piece = text.substr(0, kTxtStringBytesMax);
    data.push_back(static_cast<char>(piece.size()));
    data += piece;
    text.remove_prefix(piece.size());
  } while (!text.empty());
  names_[name].records.push_back({kTypeTxt, ttl, data});
}

void FakeDnsServer::AddTlsa(const std::string& name, int usage, int selector, int matching, std::string_view data,
                            uint32_t ttl) {
  std::string rdata;
  for (int number : {usage, selector, matching}) rdata.push_back(static_cast<char>(number));
  rdata += data;
  names_[name].records.push_back({kTypeTlsa, ttl, rdata});
}

void FakeDnsServer::SetSoa(uint32_t ttl, uint32_t minimum) {
  soa_ = EncodeDnsName("ns.test") + EncodeDnsName("hostmaster.test");
  for (uint32_t value : {1u, 3600u, 600u, 86400u, minimum}) Append32(&soa_, value);
  soa_ttl_ = ttl;
}

void FakeDnsServer::AnswerRaw(const std::string& name, uint16_t count, std::string bytes) {
  Name& entry = names_[name];
  entry.raw = true;
  entry.raw_count = count;
  entry.raw_bytes = std::move(bytes);
}

int FakeDnsServer::queries(const std::string& name, int type) const {
  const auto it = seen_.find({name, type});
  return it == seen_.end() ? 0 : it->second;
}

void FakeDnsServer::Close() {
  asio::error_code ignored;
  udp_.close(ignored);
  acceptor_.close(ignored);
}

bool FakeDnsServer::AppendAnswers(const std::string& name, int type, int* count, std::string* out) {
  std::string owner = name;
  bool authentic = true;
  for (int step = 0; step < kCnamesMax; ++step) {
    authentic = authentic && authentic_.contains(owner);
    const auto it = names_.find(owner);
    if (it == names_.end()) return authentic;
    std::string next;
    for (const Record& record : it->second.records) {
      if (record.type == kTypeCname) {
        AppendRecord(out, owner, kTypeCname, record.ttl, EncodeDnsName(record.data));
        next = record.data;
        ++*count;
      } else if (record.type == type) {
        AppendRecord(out, owner, type, record.ttl, record.data);
        ++*count;
      }
    }
    if (next.empty() || type == kTypeCname) return authentic;
    owner = next;
  }
  return false;
}

std::string FakeDnsServer::Answer(std::string_view query, bool tcp) {
  if (query.size() < kHeaderBytes + 5) return {};
  std::string name;
  size_t at = kHeaderBytes;
  while (at < query.size() && query[at] != 0) {
    const size_t length = static_cast<unsigned char>(query[at]);
    if (at + 1 + length >= query.size()) return {};
    if (!name.empty()) name += '.';
    name += query.substr(at + 1, length);
    at += 1 + length;
  }
  if (at + 5 > query.size()) return {};
  const int type = static_cast<unsigned char>(query[at + 1]) << 8 | static_cast<unsigned char>(query[at + 2]);
  const std::string_view question = query.substr(kHeaderBytes, at + 5 - kHeaderBytes);
  name = AsciiLower(name);
  ++seen_[{name, type}];
  ++total_;
  if (tcp) ++tcp_;

  // An OPT record, if any, is the only one after the question: root name, type, UDP size, then the flags with DO.
  const std::string_view rest = query.substr(at + 5);
  const bool edns = rest.size() >= 11 && rest[2] == kTypeOpt;
  const bool asks_for_ad = (query[3] & 0x20) != 0 || (edns && (rest[7] & 0x80) != 0);
  bool authentic = authentic_.contains(name);

  const auto it = names_.find(name);
  int rcode = it == names_.end() ? 3 : it->second.rcode;
  int count = 0;
  std::string answers;
  bool truncated = false;
  if (it != names_.end()) {
    if (it->second.silent) return {};
    truncated = it->second.truncate && !tcp;
    if (it->second.raw) {
      answers = it->second.raw_bytes;
      count = it->second.raw_count;
    } else if (!truncated && rcode == 0) {
      authentic = AppendAnswers(name, type, &count, &answers);
    }
  }
  if (refuses_edns_ && edns) {
    rcode = kFormError;
    answers.clear();
    count = 0;
  }
  const bool soa = count == 0 && !truncated && !soa_.empty();
  if (soa) AppendRecord(&answers, "test", kTypeSoa, soa_ttl_, soa_);

  std::string out(query.substr(0, 2));
  out.push_back(static_cast<char>(0x81 | (truncated ? 0x02 : 0)));                                         // QR, RD, TC
  out.push_back(static_cast<char>(0x80 | ((authentic && asks_for_ad) || always_ad_ ? 0x20 : 0) | rcode));  // RA, AD
  Append16(&out, 1);
  Append16(&out, static_cast<uint16_t>(count));
  Append16(&out, soa ? 1 : 0);
  Append16(&out, 0);
  out += question;
  out += answers;
  return out;
}

Awaitable<void> FakeDnsServer::ServeUdp() {
  std::array<char, 4096> buffer;
  asio::ip::udp::endpoint peer;
  while (true) {
    const auto [error, size] = co_await udp_.async_receive_from(asio::buffer(buffer), peer, use_tuple);
    if (error) co_return;
    const std::string answer = Answer(std::string_view(buffer.data(), size), /*tcp=*/false);
    if (answer.empty()) continue;
    co_await udp_.async_send_to(asio::buffer(answer), peer, use_tuple);
  }
}

Awaitable<void> FakeDnsServer::AcceptTcp() {
  while (true) {
    auto [error, socket] = co_await acceptor_.async_accept(use_tuple);
    if (error) co_return;
    asio::co_spawn(acceptor_.get_executor(), ServeTcp(std::move(socket)), asio::detached);
  }
}

Awaitable<void> FakeDnsServer::ServeTcp(asio::ip::tcp::socket socket) {
  while (true) {
    std::array<unsigned char, 2> length;
    const auto [length_error, length_size] = co_await asio::async_read(socket, asio::buffer(length), use_tuple);
    if (length_error) co_return;
    std::string query(static_cast<size_t>(length[0] << 8 | length[1]), '\0');
    const auto [error, size] = co_await asio::async_read(socket, asio::buffer(query), use_tuple);
    if (error) co_return;
    const std::string answer = Answer(query, /*tcp=*/true);
    if (answer.empty()) continue;
    std::string framed;
    Append16(&framed, static_cast<uint16_t>(answer.size()));
    framed += answer;
    co_await asio::async_write(socket, asio::buffer(framed), use_tuple);
  }
}

}  // namespace wavepost
