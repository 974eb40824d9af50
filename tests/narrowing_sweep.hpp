// Every float, narrowed by merging it into a weight of zero: y = round_T(0 + D), D any float.
#pragma once

#include <atomic>
#include <mutex>
#include <sstream>

#include "executors.hpp"
#include "values.hpp"

namespace tests {

/// What `count` floats with consecutive bit patterns round to. Along such a run the magnitude only
/// grows, so one walk along T's values, from midpoint to midpoint, meets every answer in order.
template <class T>
std::vector<T> round_run(std::uint32_t first, std::size_t count) {
  const std::vector<double>& values = oracle::magnitudes<T>();
  const std::uint32_t sign = (first >> 31) != 0 ? oracle::sign_bit<T> : 0;
  std::vector<T> rounded;
  rounded.reserve(count);
  const float start = std::fabs(std::bit_cast<float>(first));
  std::size_t nearest = std::isnan(start) ? 0 : oracle::bits_of(oracle::round<T>(start));
  while (rounded.size() < count) {
    const double middle = nearest + 1 < values.size() ? (values[nearest] + values[nearest + 1]) / 2
                                                      : std::numeric_limits<double>::infinity();
    for (; rounded.size() < count; ++first) {
      const double z = std::fabs(static_cast<double>(std::bit_cast<float>(first)));
      if (z > middle || (z == middle && nearest % 2 == 1 && nearest + 1 < values.size())) break;
      rounded.push_back(
          z != z ? oracle::from_bits<T>(oracle::format<T>::canonical_nan)
          : z == 0
              ? T{}  // 0 + −0 = +0
              : oracle::from_bits<T>(
                    std::min(static_cast<std::uint32_t>(nearest), oracle::last_bits<T>) | sign));
    }
    ++nearest;
  }
  return rounded;
}

/// The floats with mantissas `chunk * 4096 …` and every sign and exponent, 2048 chunks in all.
template <class T>
class narrowing_chunk {
 public:
  static constexpr std::uint32_t count = 2048;
  static constexpr std::ptrdiff_t cols = 4096;

  explicit narrowing_chunk(std::uint32_t chunk) : mantissa_(chunk * cols) {}

  /// Empty, or what the first wrong element is.
  std::string first_error(const std::vector<path<T>>& all) const {
    // normal numbers: a column of all ±2^e times a row of significands, exact products
    std::vector<std::uint32_t> rows;
    for (std::uint32_t exponent = 1; exponent < 255; ++exponent) {
      rows.push_back(exponent << 23);
      rows.push_back(exponent << 23 | 0x80000000u);
    }
    const std::string error = compare(all, rows, 127u << 23);
    if (!error.empty()) return error;
    // subnormal numbers, infinities and NaN: a row of them, times one
    for (const std::uint32_t row : {0u, 0x80000000u, 0x7f800000u, 0xff800000u}) {
      const std::string special = compare(all, {row}, row);
      if (!special.empty()) return special;
    }
    return {};
  }

 private:
  /// Rows of floats `row | mantissa`, made as B[row]·A with A = `factor | mantissa`.
  std::string compare(const std::vector<path<T>>& all, const std::vector<std::uint32_t>& rows,
                      std::uint32_t factor) const {
    factors<float> adapter{matrix<float>(static_cast<std::ptrdiff_t>(rows.size()), 1),
                           matrix<float>(1, cols), 1.0f};
    const bool is_scaled = rows.size() > 1;
    adapter.b.fill([&](std::ptrdiff_t i, std::ptrdiff_t) {
      return is_scaled ? std::bit_cast<float>(rows[static_cast<std::size_t>(i)]) : 1.0f;
    });
    adapter.a.fill([&](std::ptrdiff_t, std::ptrdiff_t j) {
      return std::bit_cast<float>(factor | mantissa_ | static_cast<std::uint32_t>(j));
    });
    matrix<T> zeros(adapter.b.rows(), cols, 0);
    zeros.fill([](auto, auto) { return T{}; });
    matrix<T> expected = zeros;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::vector<T> row = round_run<T>(rows[i] | mantissa_, cols);
      std::copy(row.begin(), row.end(), &expected(static_cast<std::ptrdiff_t>(i), 0));
    }
    for (const path<T>& p : all) {
      matrix<T> got = zeros;
      p.merge(got.view(), adapter.view(), on_this_thread());
      if (std::ranges::equal(expected.bytes(), got.bytes())) continue;
      std::ostringstream message;
      message << p.name << ", floats 0x" << std::hex << (rows[0] | mantissa_)
              << " … in row 0: " << same_bits(expected, got).message();
      return message.str();
    }
    return {};
  }

  std::uint32_t mantissa_;
};

/// Every `stride`-th chunk on all cores, until the first mismatch.
template <class T>
void sweep_narrowing(std::uint32_t stride) {
  if (!sweeps_make_sense) GTEST_SKIP() << "not under sanitizers and emulators";
  const std::vector<path<T>> all = paths<T>();
  std::mutex guard;
  std::string error;
  std::atomic<bool> failed = false;
  on_all_cores().parallel_for((narrowing_chunk<T>::count + stride - 1) / stride, [&](auto i) {
    if (failed) return;
    const std::string mine =
        narrowing_chunk<T>(static_cast<std::uint32_t>(i) * stride).first_error(all);
    if (mine.empty()) return;
    failed = true;
    const std::lock_guard lock(guard);
    error = mine;
  });
  ASSERT_EQ(error, "");
}

}  // namespace tests
