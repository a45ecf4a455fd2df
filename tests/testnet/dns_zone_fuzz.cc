// Any bytes are a query or nothing; an answer repeats the id and keeps within its transport.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "tests/testnet/dns_record.h"
#include "tests/testnet/dns_zone.h"

namespace wavepost::testnet {
namespace {

DnsZone MakeZone() {
  DnsZone zone;
  zone.Add(MxRecord("a", 10, "mx.a", 60));
  zone.Add(ARecord("mx.a", 0x7f010001, 60));
  zone.Add(*ParseDnsRecord("*.b CNAME mx.a", 60));
  zone.Add(*ParseDnsRecord("c CNAME c", 60));
  zone.AddServfail("d");
  zone.AddSilent("*.e");
  return zone;
}

}  // namespace
}  // namespace wavepost::testnet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using wavepost::testnet::DnsZone;
  static const DnsZone zone = wavepost::testnet::MakeZone();
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  for (const bool tcp : {false, true}) {
    const std::optional<std::string> answer = zone.Answer(query, tcp);
    if (!answer.has_value()) continue;
    WP_CHECK(answer->size() >= 12 && answer->substr(0, 2) == query.substr(0, 2));
    WP_CHECK(answer->size() <= (tcp ? DnsZone::kTcpBytesMax : DnsZone::kUdpBytesMax));
  }
  (void)wavepost::testnet::ParseDnsRecords(query, "fuzz", 60);
  return 0;
}
