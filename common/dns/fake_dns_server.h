// A DNS server for tests: answers over UDP and TCP on a free port of 127.0.0.1, and misbehaves on request.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/async/tokens.h"

namespace wavepost {

// Owner:    the io_context's thread. Close() and run the io_context dry before destruction.
class FakeDnsServer {
 public:
  explicit FakeDnsServer(asio::io_context& io);

  // "127.0.0.1:port"
  std::string address() const;

  // Names without final dot. A name that has no records and no misbehaviour gets NXDOMAIN.
  void AddMx(const std::string& name, uint16_t preference, std::string_view host, uint32_t ttl = 300);
  void AddA(const std::string& name, std::string_view address, uint32_t ttl = 300);
  void AddAaaa(const std::string& name, std::string_view address, uint32_t ttl = 300);
  void AddCname(const std::string& name, std::string_view target, uint32_t ttl = 300);
  void AddPtr(const std::string& name, std::string_view host, uint32_t ttl = 300);
  // `text` is cut into strings of 255 bytes.
  void AddTxt(const std::string& name, std::string_view text, uint32_t ttl = 300);
  // `data`: binary.
  void AddTlsa(const std::string& name, int usage, int selector, int matching, std::string_view data,
               uint32_t ttl = 300);
  // Answers about this name, also that it does not exist, have AD set, if the query asks for it (AD or DO) and every
  // name that CNAMEs lead to is authentic, too.
  void SetAuthentic(const std::string& name) { authentic_.insert(name); }

  // The name exists, without records.
  void AddEmpty(const std::string& name) { names_[name]; }
  // TTL and minimum of the SOA that comes with every negative answer; without it there is none.
  void SetSoa(uint32_t ttl, uint32_t minimum);

  // Misbehaviour, for all types of a name.
  void Fail(const std::string& name, int rcode) { names_[name].rcode = rcode; }
  void Silence(const std::string& name) { names_[name].silent = true; }
  // Sets AD in every answer, asked for or not, as a liar in between may do.
  void AlwaysSetAd() { always_ad_ = true; }
  // Answers every query that has an OPT record with FORMERR, as servers from before EDNS do.
  void RefuseEdns() { refuses_edns_ = true; }
  void TruncateUdp(const std::string& name) { names_[name].truncate = true; }
  // The answer section is these bytes, said to hold `count` records.
  void AnswerRaw(const std::string& name, uint16_t count, std::string bytes);

  // Queries seen, of a name and type, and of TCP.
  int queries(const std::string& name, int type) const;
  int queries() const { return total_; }
  int tcp_queries() const { return tcp_; }

  void Close();

 private:
  struct Record {
    int type;
    uint32_t ttl;
    std::string data;
  };
  struct Name {
    std::vector<Record> records;
    int rcode = 0;
    bool silent = false;
    bool truncate = false;
    bool raw = false;
    uint16_t raw_count = 0;
    std::string raw_bytes;
  };

  Awaitable<void> ServeUdp();
  Awaitable<void> AcceptTcp();
  Awaitable<void> ServeTcp(asio::ip::tcp::socket socket);
  std::string Answer(std::string_view query, bool tcp);  // empty: say nothing
  // Returns whether all names that were looked at are authentic.
  bool AppendAnswers(const std::string& name, int type, int* count, std::string* out);

  asio::ip::udp::socket udp_;
  asio::ip::tcp::acceptor acceptor_;
  std::map<std::string, Name> names_;
  std::set<std::string> authentic_;
  bool always_ad_ = false;
  bool refuses_edns_ = false;
  std::string soa_;
  uint32_t soa_ttl_ = 0;
  std::map<std::pair<std::string, int>, int> seen_;
  int total_ = 0;
  int tcp_ = 0;
};

// A name as it stands in a packet, uncompressed.
std::string EncodeDnsName(std::string_view name);

}  // namespace wavepost
