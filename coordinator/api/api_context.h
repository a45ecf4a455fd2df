// What the services of the public API share. Everything is owned by the app and outlives them.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/clock.h"
#include "coordinator/base/event_thread.h"
#include "coordinator/base/worker_pool.h"
#include "coordinator/config/coordinator_config.h"
#include "coordinator/domains/setup.h"
#include "coordinator/names/content_record.h"
#include "coordinator/rpc/auth.h"
#include "coordinator/store/store.h"

namespace wavepost {

class DnsClient;
class DomainKeeper;
class IdentityKeeper;
class NodeAsker;
class NodeRegistry;
class Sealer;

struct ApiContext {
  Store* store = nullptr;
  const Authenticator* auth = nullptr;
  const Clock* clock = nullptr;
  const NodeRegistry* nodes = nullptr;
  NodeAsker* asker = nullptr;
  WorkerPool* calls = nullptr;       // unary calls
  WorkerPool* slow_calls = nullptr;  // unary calls that wait for DNS
  WorkerPool* imports = nullptr;     // chunks of imports: heavy work, kept apart from the calls
  EventThread* streams = nullptr;    // owns imports, watches and followers
  const Sealer* sealer = nullptr;
  DnsClient* dns = nullptr;
  DomainKeeper* domains = nullptr;
  IdentityKeeper* identity = nullptr;
  const TokenKeys* token_keys = nullptr;
  ContentOptions content;  // what our configuration adds to mail
  OurNames ours;           // what customers' records refer to
  DomainPolicy domain_policy;
  uint32_t token_key_id = 0;
};

}  // namespace wavepost
