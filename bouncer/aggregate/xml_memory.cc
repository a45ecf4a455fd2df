#include "bouncer/aggregate/xml_memory.h"

#include <malloc.h>

#include <cstdlib>

namespace wavepost {
namespace {

// expat's functions have no place for an argument.
thread_local size_t used = 0;

void* Take(void* block) {
  if (block != nullptr) used += malloc_usable_size(block);
  return block;
}

// Blocks are a little larger than asked for, so that `used` can pass the limit by that.
bool Fits(size_t size) {
  return used < kXmlMemoryMax && size <= kXmlMemoryMax - used;
}

void* Allocate(size_t size) {
  return Fits(size) ? Take(std::malloc(size)) : nullptr;
}

void Free(void* block) {
  if (block != nullptr) used -= malloc_usable_size(block);
  std::free(block);
}

void* Reallocate(void* block, size_t size) {
  const size_t before = block == nullptr ? 0 : malloc_usable_size(block);
  if (size > before && !Fits(size - before)) return nullptr;
  void* const moved = std::realloc(block, size);
  if (moved == nullptr) return nullptr;
  used -= before;
  return Take(moved);
}

}  // namespace

XmlParser MakeXmlParser() {
  const XML_Memory_Handling_Suite suite = {Allocate, Reallocate, Free};
  return XmlParser(XML_ParserCreate_MM(nullptr, &suite, nullptr));
}

}  // namespace wavepost
