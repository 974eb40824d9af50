// A bar on stderr, for somebody who sits in front of it: silent unless stderr is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace revlora::tool {

class progress {
 public:
  /// `doing` is one word: "merging". The total is in bytes.
  progress(std::string doing, std::uint64_t total_bytes);
  progress(const progress&) = delete;
  ~progress();  ///< takes the bar away

  void advance(std::uint64_t bytes);

 private:
  using clock = std::chrono::steady_clock;

  void draw() const;

  std::string doing_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  bool visible_;
  clock::time_point start_;
  clock::time_point drawn_;
};

/// "13.5 GB", with three digits or so.
std::string describe_bytes(std::uint64_t bytes);
/// "230,400"
std::string describe_count(std::uint64_t count);
/// "0.0354": a number with a fixed count of decimals.
std::string describe_number(double number, int decimals);

}  // namespace revlora::tool
