#include "bouncer/outbox/damaged.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/empty.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/unknown_field_set.h"

namespace wavepost {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::UnknownField;

void RescueMessage(std::string_view bytes, Message* out);

void RescueBytes(const std::string& bytes, const FieldDescriptor& field, Message* out) {
  const auto* const reflection = out->GetReflection();
  if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
    RescueMessage(bytes,
                  field.is_repeated() ? reflection->AddMessage(out, &field) : reflection->MutableMessage(out, &field));
  } else if (field.type() == FieldDescriptor::TYPE_STRING && !field.is_repeated()) {
    reflection->SetString(out, &field, IsUtf8(bytes) ? bytes : Printable(bytes));
  }
}

void RescueNumber(uint64_t value, const FieldDescriptor& field, Message* out) {
  if (field.is_repeated()) return;
  const auto* const reflection = out->GetReflection();
  switch (field.type()) {
    case FieldDescriptor::TYPE_ENUM:
      return reflection->SetEnumValue(out, &field, static_cast<int>(value));
    case FieldDescriptor::TYPE_BOOL:
      return reflection->SetBool(out, &field, value != 0);
    case FieldDescriptor::TYPE_INT32:
      return reflection->SetInt32(out, &field, static_cast<int32_t>(value));
    case FieldDescriptor::TYPE_INT64:
      return reflection->SetInt64(out, &field, static_cast<int64_t>(value));
    case FieldDescriptor::TYPE_UINT32:
      return reflection->SetUInt32(out, &field, static_cast<uint32_t>(value));
    case FieldDescriptor::TYPE_UINT64:
      return reflection->SetUInt64(out, &field, value);
    default:
      return;
  }
}

// Recursion ends: our messages do not hold themselves.
void RescueMessage(std::string_view bytes, Message* out) {
  // To a message without fields all are unknown, and texts are bytes. What stands before the damage is kept.
  google::protobuf::Empty fields;
  (void)fields.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const auto& unknown = fields.GetReflection()->GetUnknownFields(fields);
  for (int i = 0; i < unknown.field_count(); ++i) {
    const UnknownField& found = unknown.field(i);
    const FieldDescriptor* const field = out->GetDescriptor()->FindFieldByNumber(found.number());
    if (field == nullptr) continue;
    if (found.type() == UnknownField::TYPE_LENGTH_DELIMITED) {
      RescueBytes(found.length_delimited(), *field, out);
    } else if (found.type() == UnknownField::TYPE_VARINT) {
      RescueNumber(found.varint(), *field, out);
    } else if (found.type() == UnknownField::TYPE_FIXED64 && field->type() == FieldDescriptor::TYPE_FIXED64 &&
               !field->is_repeated()) {
      out->GetReflection()->SetUInt64(out, field, found.fixed64());
    }
  }
}

}  // namespace

cluster::v1::BounceReport RescueRecord(std::string_view bytes) {
  cluster::v1::BounceReport report;
  RescueMessage(bytes, &report);
  if (report.recipient_id() == 0 && !report.has_dmarc() && !report.has_tls() && report.status().text().empty()) {
    report.mutable_status()->set_text("the bouncer's record of this report was damaged on its disk");
  }
  return report;
}

}  // namespace wavepost
