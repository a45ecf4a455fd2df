#include "cli/json_content.h"

#include <utility>

#include "cli/json_fields.h"

namespace wavepost::cli {
namespace {

template <class Messages>
Json Array(const Messages& messages) {
  Json json = Json::array();
  for (const auto& message : messages) json.push_back(ToJson(message));
  return json;
}

Json Texts(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  Json json = Json::array();
  for (const std::string& text : texts) json.push_back(text);
  return json;
}

std::string CheckWord(v1::RecordCheck::State state) {
  return Word(v1::RecordCheck::State_Name(state));
}

Json ToJson(const v1::Listing& listing) {
  Json json{{"zone", listing.zone()}, {"state", Word(v1::Listing::State_Name(listing.state()))}};
  AddText(json, "answer", listing.answer());
  AddText(json, "advice", listing.advice());
  return json;
}

}  // namespace

std::string StateWord(v1::SendingDomain::State state) {
  return Word(v1::SendingDomain::State_Name(state));
}

std::string StateWord(v1::DkimKeyInfo::State state) {
  return Word(v1::DkimKeyInfo::State_Name(state));
}

std::string ModeWord(v1::SendingDomain::Mode mode) {
  return mode == v1::SendingDomain::CNAME ? "cname" : "txt";
}

Json ToJson(const v1::Tenant& tenant) {
  Json json{{"tenant", tenant.name()}, {"display_name", tenant.display_name()}};
  if (tenant.weight() > 0) json["weight"] = tenant.weight();
  AddText(json, "fallback_from_address", tenant.fallback_from_address());
  if (tenant.has_suppression_policy()) {
    const v1::SuppressionPolicy& policy = tenant.suppression_policy();
    Json& out = json["suppression_policy"] = Json::object();
    if (policy.soft_campaigns() != 0) out["soft_campaigns"] = policy.soft_campaigns();
    if (policy.has_soft_window()) out["soft_window_s"] = policy.soft_window().seconds();
    out["soft_never"] = policy.soft_never();
  }
  AddTime(json, "create_time", tenant.has_create_time(), tenant.create_time());
  return json;
}

Json ToJson(const v1::DnsRecord& record) {
  return Json{{"owner", record.owner()},
              {"type", record.type()},
              {"data", record.data()},
              {"purpose", Word(v1::DnsRecord::Purpose_Name(record.purpose()))},
              {"required", record.required()}};
}

Json ToJson(const v1::RecordCheck& check) {
  Json json{{"record", ToJson(check.record())}, {"state", CheckWord(check.state())}, {"found", Texts(check.found())}};
  AddText(json, "problem", check.problem());
  AddText(json, "advice", check.advice());
  return json;
}

Json ToJson(const v1::DkimKeyInfo& key) {
  Json json{{"selector", key.selector()}, {"algorithm", key.algorithm()}, {"state", StateWord(key.state())}};
  AddTime(json, "create_time", key.has_create_time(), key.create_time());
  AddTime(json, "published_time", key.has_published_time(), key.published_time());
  AddTime(json, "active_time", key.has_active_time(), key.active_time());
  AddTime(json, "retire_time", key.has_retire_time(), key.retire_time());
  AddTime(json, "remove_time", key.has_remove_time(), key.remove_time());
  AddText(json, "public_txt", key.public_txt());
  return json;
}

Json ToJson(const v1::SendingDomain& domain) {
  Json json{{"domain", domain.name()},
            {"state", StateWord(domain.state())},
            {"mode", ModeWord(domain.mode())},
            {"dkim_selector", domain.dkim_selector()},
            {"dns_records", Array(domain.dns_records())},
            {"checks", Array(domain.checks())},
            {"failed_checks", domain.failed_checks()},
            {"dkim_keys", Array(domain.dkim_keys())}};
  AddText(json, "return_path_domain", domain.return_path_domain());
  AddTime(json, "check_time", domain.has_check_time(), domain.check_time());
  AddTime(json, "create_time", domain.has_create_time(), domain.create_time());
  return json;
}

Json ToJson(const v1::File& file) {
  Json json{{"file", file.name()}, {"size_bytes", file.size_bytes()}, {"campaigns", file.campaigns()}};
  AddTime(json, "create_time", file.has_create_time(), file.create_time());
  return json;
}

Json ToJson(const v1::Certificate& certificate) {
  Json json{{"certificate", certificate.name()},
            {"addresses", Texts(certificate.addresses())},
            {"subject", certificate.subject()},
            {"issuer", certificate.issuer()}};
  AddTime(json, "not_before", certificate.has_not_before(), certificate.not_before());
  AddTime(json, "not_after", certificate.has_not_after(), certificate.not_after());
  AddTime(json, "create_time", certificate.has_create_time(), certificate.create_time());
  return json;
}

Json ToJson(const v1::EgressCheck& check) {
  Json json{{"address", check.address()},
            {"ehlo_name", check.ehlo_name()},
            {"pool", check.pool()},
            {"region", check.region()},
            {"reverse_names", Texts(check.reverse_names())},
            {"reverse_state", CheckWord(check.reverse_state())}};
  AddText(json, "reverse_advice", check.reverse_advice());
  json["listings"] = Json::array();
  for (const v1::Listing& listing : check.listings()) json["listings"].push_back(ToJson(listing));
  return json;
}

Json ToJson(const v1::Identity& identity) {
  Json json{{"domain", identity.domain()},
            {"dns_records", Array(identity.dns_records())},
            {"checks", Array(identity.checks())},
            {"egress_ips", Array(identity.egress_ips())}};
  AddTime(json, "check_time", identity.has_check_time(), identity.check_time());
  return json;
}

}  // namespace wavepost::cli
