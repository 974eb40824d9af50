// How far the work is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "console/audience.hpp"

namespace revlora::tool {

/// Work that is counted in bytes, of which the audience of its thread hears. What is begun while
/// other work is heard of is a part of that, and tells nothing of its own.
class progress {
 public:
  using clock = std::chrono::steady_clock;

  /// `doing` is one word: "merging". The total is in bytes, and may be a guess.
  progress(std::string doing, std::uint64_t total_bytes);
  progress(const progress&) = delete;
  ~progress();

  /// On any thread, one at a time; those that have no audience of their own only count.
  void advance(std::uint64_t bytes);
  /// All of it is done, whatever was guessed.
  void finish();

  const std::string& doing() const { return doing_; }
  std::uint64_t done() const { return done_; }
  std::uint64_t total() const { return total_; }
  clock::time_point start() const { return start_; }

 private:
  static void tell();

  audience& audience_;
  std::string doing_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  clock::time_point start_;
};

}  // namespace revlora::tool
