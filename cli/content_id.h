// Request ids made from what is asked: the same request of a later run has the same id, so repeating a command is safe.
#pragma once

#include <string>
#include <string_view>

namespace google::protobuf {
class Message;
}

namespace wavepost::cli {

// 32 hex digits, the first half of a SHA-256.
std::string ContentId(std::string_view bytes);

// Of a message, the same in every run: a map's order in its usual serialised form is not.
std::string ContentId(const google::protobuf::Message& message);

// 64 hex digits: what a stored file is called.
std::string Sha256Hex(std::string_view bytes);

}  // namespace wavepost::cli
