#include "coordinator/names/content_record.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/sha.h>

#include <string>

#include "coordinator/names/resource_names.h"

namespace wavepost {

cluster::v1::Content ContentOf(const cluster::v1::StoredCampaign& stored, std::string_view message_id_domain) {
  cluster::v1::Content out;
  *out.mutable_content() = stored.campaign().content();
  *out.mutable_columns() = stored.stored_columns();
  *out.mutable_max_age() = stored.campaign().max_age();
  out.set_tenant(TenantPartOf(stored.campaign().name()).value_or(""));
  out.set_message_id_domain(std::string(message_id_domain));
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    out.SerializeToCodedStream(&coded);
  }
  std::string& id = *out.mutable_content_id();
  id.resize(SHA256_DIGEST_LENGTH);
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(id.data()));
  return out;
}

}  // namespace wavepost
