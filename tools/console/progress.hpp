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

}  // namespace revlora::tool
