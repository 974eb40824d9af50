// How far the work is, on stderr: one bar for somebody who sits in front of a terminal, elsewhere a
// line every few seconds, so that short runs say nothing at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace revlora::tool {

/// Work that is counted in bytes. What is begun while other work is shown is a part of that, and
/// shows nothing of its own.
class progress {
 public:
  /// `doing` is one word: "merging". The total is in bytes, and may be a guess.
  progress(std::string doing, std::uint64_t total_bytes);
  progress(const progress&) = delete;
  ~progress();  ///< takes the bar away

  void advance(std::uint64_t bytes);

 private:
  friend void make_way_for_a_line();
  using clock = std::chrono::steady_clock;

  void show_if_due();
  /// "45 %  1.2 GB of 3.0 GB  450 MB/s  4 s left", with two spaces or something else in between.
  std::string describe(const char* between) const;
  double part() const;

  std::string doing_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  bool is_on_terminal_;
  clock::time_point start_;
  clock::time_point shown_;
};

/// From here on none is shown.
void silence_progress();

/// Takes the bar away for a line that is about to be printed on stderr; it comes back by itself.
void make_way_for_a_line();

}  // namespace revlora::tool
