# Every library that Wavepost links, found where the distribution (or vcpkg, Conan) put it.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(GTest CONFIG REQUIRED)
find_package(benchmark CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(rocksdb REQUIRED IMPORTED_TARGET rocksdb)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(idn2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(gmime REQUIRED IMPORTED_TARGET gmime-3.0)
# Aggregate reports: XML, gzip and zip.
pkg_check_modules(expat REQUIRED IMPORTED_TARGET expat)
pkg_check_modules(archive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(gumbo REQUIRED IMPORTED_TARGET gumbo)
pkg_check_modules(psl REQUIRED IMPORTED_TARGET libpsl)
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-pull prometheus-cpp-core)
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
find_path(WAVEPOST_ASIO_INCLUDE asio.hpp REQUIRED)
find_path(WAVEPOST_CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
find_program(WAVEPOST_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)

# Asio, compiled once (common/async/asio_impl.cc) instead of in each file that includes it.
add_library(wp_asio INTERFACE)
target_include_directories(wp_asio SYSTEM INTERFACE ${WAVEPOST_ASIO_INCLUDE})
target_compile_definitions(wp_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED ASIO_SEPARATE_COMPILATION
  # Asio 1.22 chooses between aligned_alloc and operator new by which header came first: files would disagree.
  ASIO_DISABLE_STD_ALIGNED_ALLOC)
target_link_libraries(wp_asio INTERFACE Threads::Threads OpenSSL::SSL OpenSSL::Crypto)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes Asio's coroutine frames (operator new and delete of the promise, inlined differently) for a mismatch.
  target_compile_options(wp_asio INTERFACE -Wno-mismatched-new-delete)
endif()
