// The roof: reads and writes W in place, and does nothing else. Every figure is a multiple of it.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <vector>

#include "cold_weights.hpp"

namespace bench {

/// Does as little as can be between reading a row and writing it; compilers make vectors of it.
inline void flip_bits(std::byte* row, std::ptrdiff_t bytes) {
  for (std::ptrdiff_t i = 0; i < bytes; ++i) row[i] ^= std::byte{1};
}

/// Four streams for each thread, a line of each in turn: with one thread on Zen 5 a twelfth faster
/// than row after row, with two a fortieth. The roof is to be the fastest way there is.
inline void flip_rows(std::byte* first, std::ptrdiff_t rows, std::ptrdiff_t stride,
                      std::ptrdiff_t bytes) {
  constexpr std::ptrdiff_t streams = 4, line = 64;
  const std::ptrdiff_t share = rows / streams, whole = bytes / line * line;
  for (std::ptrdiff_t row = 0; row < share; ++row)
    for (std::ptrdiff_t at = 0; at < whole; at += line)
      for (std::ptrdiff_t stream = 0; stream < streams; ++stream)
        flip_bits(first + (row + stream * share) * stride + at, line);
  for (std::ptrdiff_t row = 0; row < share * streams; ++row)
    flip_bits(first + row * stride + whole, bytes - whole);
  for (std::ptrdiff_t row = share * streams; row < rows; ++row)
    flip_bits(first + row * stride, bytes);
}

/// Goes through memory of its own in pieces of a task's shape, as much as the weights have.
class roof {
 public:
  explicit roof(const task& t)
      : element_(static_cast<std::ptrdiff_t>(revlora::size_of(*t.weights))),
        size_(t.size),
        bytes_(bytes_of(t)),
        threads_(t.threads) {
    lasting_memory& pages = memory();
    if (pages.filled >= reach()) return;
    std::memset(pages.bytes.get() + pages.filled, 0, reach() - pages.filled);
    pages.filled = reach();
  }

  void pass() const {
    std::size_t& cursor = memory().cursor;
    if (cursor + bytes_ > reach()) cursor = 0;
    std::byte* const first = memory().bytes.get() + cursor;
    cursor += bytes_;
    const std::ptrdiff_t stride = size_.stride * element_;
    revlora::openmp{threads_}.parallel_for(threads_, [&](std::ptrdiff_t thread) {
      const std::ptrdiff_t begin = size_.rows * thread / threads_;
      const std::ptrdiff_t end = size_.rows * (thread + 1) / threads_;
      flip_rows(first + begin * stride, end - begin, stride, size_.cols * element_);
    });
  }

 private:
  static lasting_memory& memory() {
    static lasting_memory of_roofs;
    return of_roofs;
  }
  std::size_t reach() const { return std::max(working_set, bytes_); }

  std::ptrdiff_t element_;  ///< its bytes
  shape size_;
  std::size_t bytes_;
  int threads_;
};

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Times each call right after a pass of the roof: the memory of a shared machine is faster or
/// slower by half within minutes, so only neighbours can be compared.
///
/// In the report then: the time of a call; counter `roof`, seconds of a pass; counter `roofs`, what
/// a call took as a multiple of the pass before it. Both are medians.
class beside_roof {
 public:
  beside_roof(benchmark::State& state, const task& t) : state_(state), roof_(t) {}
  beside_roof(const beside_roof&) = delete;
  ~beside_roof() {
    if (passes_.empty()) return;
    state_.counters["roof"] = median(passes_);
    state_.counters["roofs"] = median(multiples_);
    if (!compared_.empty()) state_.counters[comparison_] = median(compared_);
  }

  template <class Work>
  void time(const Work& work) {
    const double pass = time_roof(), call = seconds_of(work);
    keep(pass, call);
  }

  /// And beside another call: the median of `compare(call, other, pass)` is one more counter.
  template <class Other, class Work>
  void time(const Other& other, const Work& work, const char* counter,
            double (*compare)(double call, double other, double pass)) {
    const double pass = time_roof(), of_other = seconds_of(other), call = seconds_of(work);
    keep(pass, call);
    comparison_ = counter;
    compared_.push_back(compare(call, of_other, pass));
  }

 private:
  template <class Work>
  static double seconds_of(const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  double time_roof() const {
    return seconds_of([&] { roof_.pass(); });
  }

  void keep(double pass, double call) {
    state_.SetIterationTime(call);
    passes_.push_back(pass);
    multiples_.push_back(call / pass);
  }

  benchmark::State& state_;
  roof roof_;
  std::vector<double> passes_, multiples_, compared_;
  const char* comparison_ = "";
};

}  // namespace bench
