# wp_library, wp_binary, wp_fuzzer: how a part of Wavepost is declared.
#
# Each subfolder is one library `<folder>_<subfolder>` with its dependencies spelled out. Its unit tests are
# named in TESTS and linked together into one runner per top folder, `<folder>_tests`: one link instead of fifty.

add_library(wp_flags INTERFACE)
target_include_directories(wp_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(wp_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
if(WAVEPOST_WERROR)
  target_compile_options(wp_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Clang 14 sees Asio's coroutines only when told that they exist.
  target_compile_definitions(wp_flags INTERFACE ASIO_HAS_CO_AWAIT ASIO_HAS_STD_COROUTINE)
endif()
if(WAVEPOST_SANITIZE)
  add_compile_options(-fsanitize=${WAVEPOST_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${WAVEPOST_SANITIZE})
endif()

if(WAVEPOST_FUZZ)
  # All code, not only the target: the fuzzer steers by what it sees covered.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# wp_library(name SOURCES ... [DEPS ...] [TESTS ...] [TEST_DEPS ...])
function(wp_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;TESTS;TEST_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC wp_flags ${ARG_DEPS})
  if(ARG_TESTS)
    wp_tests(SOURCES ${ARG_TESTS} DEPS ${name} ${ARG_TEST_DEPS})
  endif()
endfunction()

# wp_tests(SOURCES ... DEPS ...): unit tests for the runner of the top folder they stand in.
function(wp_tests)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  file(RELATIVE_PATH rel ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  string(REGEX REPLACE "/.*" "" top ${rel})
  set_property(GLOBAL APPEND PROPERTY wp_test_tops ${top})
  foreach(source ${ARG_SOURCES})
    set_property(GLOBAL APPEND PROPERTY wp_test_sources_${top} ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY wp_test_deps_${top} ${ARG_DEPS})
endfunction()

# wp_binary(name SOURCES ... DEPS ...)
function(wp_binary name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE wp_flags ${ARG_DEPS})
endfunction()

# wp_fuzzer(name SOURCES ... DEPS ... [CORPUS dir]): a libFuzzer target, built under the preset `fuzz` only.
function(wp_fuzzer name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;DEPS" ${ARGN})
  if(NOT WAVEPOST_FUZZ)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE wp_flags ${ARG_DEPS})
  set_property(TARGET ${name} PROPERTY RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endfunction()

# Called once, last: turns what wp_tests gathered into the runners.
function(wp_finish_tests)
  get_property(tops GLOBAL PROPERTY wp_test_tops)
  list(REMOVE_DUPLICATES tops)
  foreach(top ${tops})
    get_property(sources GLOBAL PROPERTY wp_test_sources_${top})
    get_property(deps GLOBAL PROPERTY wp_test_deps_${top})
    list(REMOVE_DUPLICATES deps)
    add_executable(${top}_tests ${sources})
    target_link_libraries(${top}_tests PRIVATE wp_flags ${deps} GTest::gmock GTest::gtest GTest::gtest_main)
    target_compile_definitions(${top}_tests PRIVATE WAVEPOST_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${top}_tests COMMAND ${top}_tests)
    set_tests_properties(${top}_tests PROPERTIES TIMEOUT 300)
  endforeach()
endfunction()
