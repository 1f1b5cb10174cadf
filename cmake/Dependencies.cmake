# Every library comes from Debian; scripts/deps installs them. The headers of imported targets count as system headers.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)
find_package(simdjson 3 REQUIRED)
find_package(Poco 1.11 REQUIRED COMPONENTS Foundation Net Util)
find_package(fmt REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
# Not required: the daemon can answer multicast DNS by itself.
pkg_check_modules(AVAHI IMPORTED_TARGET avahi-client)

find_path(FT_CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
add_library(ft_cli11 INTERFACE)
target_include_directories(ft_cli11 SYSTEM INTERFACE ${FT_CLI11_INCLUDE})

if(FT_TESTS)
  find_path(FT_DOCTEST_INCLUDE doctest/doctest.h REQUIRED)
  # Debian's own interpreter: it is the one that sees Debian's pytest, whatever else is first in PATH.
  find_program(FT_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
endif()
