// How the contract suite checks: what fails is named with its file and line, and counted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

namespace contract {

inline int failures = 0;

/// After some failures the program ends: more would hide the first.
inline void fail(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  if (++failures == 20) {
    std::fputs("too many failures\n", stderr);
    std::exit(1);
  }
}

/// Where two sequences of bytes differ; empty if they do not.
inline std::string difference(std::span<const std::byte> expected, std::span<const std::byte> got) {
  if (expected.size() != got.size())
    return std::to_string(expected.size()) + " bytes expected, got " + std::to_string(got.size());
  const auto [e, g] = std::mismatch(expected.begin(), expected.end(), got.begin());
  if (e == expected.end()) return {};
  return "byte " + std::to_string(e - expected.begin()) + ": expected " +
         std::to_string(std::to_integer<int>(*e)) + ", got " +
         std::to_string(std::to_integer<int>(*g));
}

}  // namespace contract

/// `about` is text that names the case.
#define CHECK(condition, about)                                                             \
  do {                                                                                      \
    if (!(condition))                                                                       \
      contract::fail(__FILE__, __LINE__, std::string(about) + ": not true: " + #condition); \
  } while (false)

#define CHECK_SAME_BYTES(expected, got, about)                                                  \
  do {                                                                                          \
    if (const std::string at = contract::difference(expected, got); !at.empty())                \
      contract::fail(__FILE__, __LINE__, std::string(about) + ": " + #got + " differs, " + at); \
  } while (false)
