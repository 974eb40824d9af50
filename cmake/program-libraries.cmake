# What the program is made of beside revlora, from the system first. Libraries of headers are fetched
# where they are missing; the others have to be installed.

find_package(CLI11 QUIET)
if(NOT CLI11_FOUND)
  include(FetchContent)
  FetchContent_Declare(
    CLI11
    GIT_REPOSITORY https://github.com/CLIUtils/CLI11.git
    GIT_TAG 6c7b07a878ad834957b98d0f9ce1dbe0cb204fc9)  # 2.4.2; a tag could be moved
  FetchContent_MakeAvailable(CLI11)
endif()
find_package(nlohmann_json QUIET)
if(NOT nlohmann_json_FOUND)
  include(FetchContent)
  FetchContent_Declare(
    nlohmann_json
    GIT_REPOSITORY https://github.com/nlohmann/json.git
    GIT_TAG 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03)  # 3.11.3
  FetchContent_MakeAvailable(nlohmann_json)
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL QUIET COMPONENTS Crypto)
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PCRE2 QUIET IMPORTED_TARGET libpcre2-8)
endif()
if(NOT TARGET OpenSSL::Crypto OR NOT TARGET PkgConfig::PCRE2)
  message(FATAL_ERROR "revlora's program needs OpenSSL, PCRE2 and pkg-config: "
                      "apt install libssl-dev libpcre2-dev pkg-config, or "
                      "dnf install openssl-devel pcre2-devel pkgconf. Without the program: "
                      "-DREVLORA_BUILD_TOOLS=OFF")
endif()
