// CHECK: for our own broken invariants only. Bytes from network, disk, peers or operators never reach one.
#pragma once

#include <cstdio>
#include <cstdlib>

#define WP_CHECK(condition)                                                                  \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
