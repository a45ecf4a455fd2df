#include "cli/json.h"

#include "absl/time/time.h"
#include "cli/format.h"
#include "cli/json_fields.h"

namespace wavepost::cli {
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::Time FromProto(const google::protobuf::Timestamp& t) {
  return absl::FromUnixSeconds(t.seconds()) + absl::Nanoseconds(t.nanos());
}

std::string OutcomeWord(v1::Outcome outcome) {
  return outcome == v1::OUTCOME_UNSPECIFIED ? "open" : Word(v1::Outcome_Name(outcome));
}

std::string ReasonWord(v1::Reason reason) {
  return reason == v1::REASON_UNSPECIFIED ? "" : Word(v1::Reason_Name(reason));
}

std::string StateWord(v1::Wave::State state) {
  return Word(v1::Wave::State_Name(state));
}

std::string KindWord(v1::Event::Kind kind) {
  // A newer coordinator may know kinds that we do not.
  return v1::Event::Kind_IsValid(kind) ? Word(v1::Event::Kind_Name(kind)) : "kind_" + std::to_string(kind);
}

std::string RegionWord(const v1::EgressIp& ip) {
  return ip.region().empty() ? "default" : ip.region();
}

std::string CauseWord(v1::Suppression::Cause cause) {
  return Word(v1::Suppression::Cause_Name(cause));
}

std::string ClassWord(v1::BounceClass bounce_class) {
  if (bounce_class == v1::BOUNCE_CLASS_UNSPECIFIED) return "unreadable";
  return v1::BounceClass_IsValid(bounce_class) ? Word(v1::BounceClass_Name(bounce_class))
                                               : "class_" + std::to_string(bounce_class);
}

std::string ReplyLine(const v1::DeliveryStatus& status) {
  const std::string code = status.code() == 0 ? "" : std::to_string(status.code());
  if (code.empty() || status.text().rfind(code, 0) == 0) return status.text();
  return status.text().empty() ? code : code + " " + status.text();
}

Json ToJson(const v1::DeliveryStatus& status) {
  Json json = Json::object();
  if (status.code() != 0) json["code"] = status.code();
  AddText(json, "enhanced_code", status.enhanced_code());
  AddText(json, "text", status.text());
  AddText(json, "phase", status.phase());
  AddText(json, "mx_host", status.mx_host());
  AddText(json, "mx_ip", status.mx_ip());
  AddText(json, "egress_ip", status.egress_ip());
  AddText(json, "reason", ReasonWord(status.reason()));
  if (status.fault() != v1::FAULT_UNSPECIFIED) json["fault"] = Word(v1::Fault_Name(status.fault()));
  if (status.bounce_class() != v1::BOUNCE_CLASS_UNSPECIFIED) {
    json["bounce_class"] = Word(v1::BounceClass_Name(status.bounce_class()));
  }
  AddText(json, "tls", status.tls());
  if (status.maybe_delivered()) json["maybe_delivered"] = true;
  return json;
}

Json ToJson(const v1::WaveCounts& counts) {
  return Json{{"accepted", counts.accepted()}, {"refused", counts.refused()},     {"delivered", counts.delivered()},
              {"bounced", counts.bounced()},   {"expired", counts.expired()},     {"suppressed", counts.suppressed()},
              {"capped", counts.capped()},     {"cancelled", counts.cancelled()}, {"open", counts.open()},
              {"assigned", counts.assigned()}, {"deferrals", counts.deferrals()}};
}

Json ToJson(const v1::Wave& wave) {
  Json json{{"wave", wave.name()}, {"state", StateWord(wave.state())}};
  json.update(ToJson(wave.counts()));
  AddTime(json, "create_time", wave.has_create_time(), wave.create_time());
  AddTime(json, "start_time", wave.has_start_time(), wave.start_time());
  AddTime(json, "complete_time", wave.has_complete_time(), wave.complete_time());
  AddText(json, "from_address", wave.from_address());
  return json;
}

Json ToJson(const v1::Event& event) {
  Json json{{"sequence", event.sequence()}};
  AddTime(json, "time", event.has_time(), event.time());
  json["kind"] = KindWord(event.kind());
  AddText(json, "tenant", event.tenant());
  AddText(json, "wave", event.wave());
  AddText(json, "recipient", event.recipient());
  AddText(json, "address", event.address());
  if (event.outcome() != v1::OUTCOME_UNSPECIFIED) json["outcome"] = OutcomeWord(event.outcome());
  if (event.has_status()) json["status"] = ToJson(event.status());
  if (event.attempts() != 0) json["attempts"] = event.attempts();
  AddTime(json, "next_attempt_time", event.has_next_attempt_time(), event.next_attempt_time());
  if (event.count() != 0) json["count"] = event.count();
  AddText(json, "text", event.text());
  AddText(json, "evidence", event.evidence());
  return json;
}

Json ToJson(const v1::Recipient& recipient) {
  Json json{{"recipient", recipient.name()},
            {"address", recipient.address()},
            {"outcome", OutcomeWord(recipient.outcome())},
            {"state", Word(v1::Recipient::State_Name(recipient.state()))},
            {"attempts", recipient.attempts()}};
  if (recipient.has_status()) json["status"] = ToJson(recipient.status());
  AddTime(json, "outcome_time", recipient.has_outcome_time(), recipient.outcome_time());
  AddTime(json, "next_attempt_time", recipient.has_next_attempt_time(), recipient.next_attempt_time());
  if (!recipient.reports().empty()) {
    json["reports"] = Json::array();
    for (const v1::ReportCount& kind : recipient.reports()) {
      Json entry{{"bounce_class", ClassWord(kind.bounce_class())}, {"count", kind.count()}};
      AddText(entry, "reason", ReasonWord(kind.reason()));
      AddTime(entry, "first_time", kind.has_first_time(), kind.first_time());
      AddTime(entry, "last_time", kind.has_last_time(), kind.last_time());
      json["reports"].push_back(std::move(entry));
    }
  }
  json["attributes"] = Json::object();
  for (const auto& [key, value] : recipient.attributes()) json["attributes"][key] = value;
  return json;
}

Json ToJson(const v1::Suppression& suppression) {
  Json json{{"address", suppression.address()}, {"cause", CauseWord(suppression.cause())}};
  AddText(json, "evidence", suppression.evidence());
  AddText(json, "recipient", suppression.recipient());
  AddTime(json, "create_time", suppression.has_create_time(), suppression.create_time());
  AddTime(json, "expire_time", suppression.has_expire_time(), suppression.expire_time());
  return json;
}

Json ToJson(const v1::Node& node) {
  Json json{{"node", node.name()},       {"attached", node.attached()}, {"queued", node.queued()},
            {"backlog", node.backlog()}, {"credit", node.credit()},     {"connections", node.connections()},
            {"epoch", node.epoch()},     {"version", node.version()}};
  AddTime(json, "last_seen_time", node.has_last_seen_time(), node.last_seen_time());
  json["egress_ips"] = Json::array();
  for (const auto& ip : node.egress_ips()) {
    Json one{{"address", ip.address()},
             {"ehlo_name", ip.ehlo_name()},
             {"pool", ip.pool()},
             {"region", RegionWord(ip)},
             {"weight", ip.weight()}};
    AddText(one, "suspended", ip.suspended());
    json["egress_ips"].push_back(std::move(one));
  }
  return json;
}

Json ToJson(const v1::QueueSelector& selector) {
  Json json = Json::object();
  AddText(json, "tenant", selector.tenant());
  AddText(json, "campaign", selector.campaign());
  AddText(json, "domain", selector.domain());
  AddText(json, "site", selector.site());
  AddText(json, "egress_ip", selector.egress_ip());
  return json;
}

Json ToJson(const v1::Pause& pause) {
  Json json{{"pause", pause.name()}, {"selector", ToJson(pause.selector())}};
  AddTime(json, "end_time", pause.has_end_time(), pause.end_time());
  AddText(json, "reason", pause.reason());
  AddText(json, "creator", pause.creator());
  AddTime(json, "create_time", pause.has_create_time(), pause.create_time());
  return json;
}

Json ToJson(const v1::QueueOrder& order) {
  Json json{{"order", order.name()},
            {"kind", Word(v1::QueueOrder::Kind_Name(order.kind()))},
            {"selector", ToJson(order.selector())}};
  AddText(json, "reason", order.reason());
  AddText(json, "creator", order.creator());
  AddTime(json, "create_time", order.has_create_time(), order.create_time());
  return json;
}

Json ToJson(const v1::PathExplanation& path) {
  Json json{{"node", path.node()}, {"egress_ip", path.egress_ip()}, {"domain", path.domain()}, {"site", path.site()}};
  AddText(json, "provider", path.provider());
  json["mx_hosts"] = Json(std::vector<std::string>(path.mx_hosts().begin(), path.mx_hosts().end()));
  AddText(json, "dns_problem", path.dns_problem());
  json["connections_open"] = path.connections_open();
  json["connections_max"] = path.connections_max();
  json["messages_per_connection"] = path.messages_per_connection();
  if (path.connections_per_minute() > 0) json["connections_per_minute"] = path.connections_per_minute();
  if (path.messages_per_second() > 0) json["messages_per_second"] = path.messages_per_second();
  AddText(json, "limits_source", path.limits_source());
  if (path.warm_up_cap() > 0) {
    json["warm_up_cap"] = path.warm_up_cap();
    json["warm_up_used"] = path.warm_up_used();
  }
  AddTime(json, "stopped_until", path.has_stopped_until(), path.stopped_until());
  AddText(json, "stopped_reason", path.stopped_reason());
  AddText(json, "greylist", path.greylist());
  AddText(json, "tls_policy", path.tls_policy());
  json["pauses"] = Json::array();
  for (const auto& pause : path.pauses()) json["pauses"].push_back(ToJson(pause));
  json["waiting"] = Json::array();
  for (const auto& waiting : path.waiting()) {
    Json one{{"recipient", waiting.recipient()}, {"address", waiting.address()}, {"attempts", waiting.attempts()}};
    AddTime(one, "due_time", waiting.has_due_time(), waiting.due_time());
    if (waiting.has_status()) one["status"] = ToJson(waiting.status());
    AddText(one, "waits_for", waiting.waits_for());
    json["waiting"].push_back(std::move(one));
  }
  AddText(json, "summary", path.summary());
  return json;
}

Json ToJson(const v1::ExplainResponse& response) {
  Json json{{"paths", Json::array()}, {"silent_nodes", Json::array()}};
  for (const auto& path : response.paths()) json["paths"].push_back(ToJson(path));
  for (const auto& node : response.silent_nodes()) json["silent_nodes"].push_back(node);
  return json;
}

Json ToJson(const v1::TraceLine& line) {
  Json json = Json::object();
  AddTime(json, "time", line.has_time(), line.time());
  AddText(json, "node", line.node());
  json["session"] = line.session();
  AddText(json, "egress_ip", line.egress_ip());
  AddText(json, "host", line.host());
  AddText(json, "direction", line.direction());
  json["text"] = line.text();
  return json;
}

Json ToJson(const v1::EstimateWaveResponse& estimate) {
  Json json = Json::object();
  AddTime(json, "through_time", estimate.has_through_time(), estimate.through_time());
  json["open"] = estimate.open();
  json["exact"] = estimate.exact();
  json["slowest"] = Json::array();
  for (const auto& site : estimate.slowest()) {
    Json one{{"site", site.site()}, {"egress_ip", site.egress_ip()}, {"recipients", site.recipients()}};
    AddTime(one, "through_time", site.has_through_time(), site.through_time());
    AddText(one, "bound_by", site.bound_by());
    json["slowest"].push_back(std::move(one));
  }
  return json;
}

}  // namespace wavepost::cli
