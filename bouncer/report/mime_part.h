// GMime within our limits: the few questions that readers of mail ask of a part.
#pragma once

#include <gmime/gmime.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace wavepost {

struct UnrefGObject {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using GObjectPtr = std::unique_ptr<T, UnrefGObject>;

// Sets GMime up once per process, and keeps its complaints about hostile mail out of our log. Any thread.
void InitMime();

// The message in `head`, which must outlive it and should come from MimeHead. Null if GMime finds none.
GObjectPtr<GMimeMessage> ParseMime(std::string_view head);

// "text/plain", lower case. Empty if the part has none.
std::string PartType(GMimeObject* object);

// A parameter of Content-Type, or empty. Lives as long as the part.
std::string_view TypeParameter(GMimeObject* object, const char* name);

// The part's content with its transfer encoding undone, at most `bytes_max`; *truncated becomes true if there was more.
// Content that cannot be in the encoding that it claims is taken as it is.
std::string DecodedContent(GMimePart* part, size_t bytes_max, bool* truncated);

}  // namespace wavepost
