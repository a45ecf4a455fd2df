// An expat parser that may use only so much memory: it keeps every name of an element or attribute that it has seen
// until its end, and a report may hold millions of different ones.
#pragma once

#include <expat.h>

#include <cstddef>
#include <memory>
#include <type_traits>

namespace wavepost {

inline constexpr size_t kXmlMemoryMax = 8 << 20;  // reports need less than 100 KB

struct FreeXmlParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using XmlParser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeXmlParser>;

// Beyond kXmlMemoryMax it says XML_ERROR_NO_MEMORY. The limit holds for all such parsers of a thread together; make,
// use and free one on the same thread. nullptr: there is no memory.
XmlParser MakeXmlParser();

}  // namespace wavepost
