// The factors of an adapter in the order in which the delta kernel reads them.
//
// A packed factor is made of 32-bit steps: a widened element each, or, where the processor has
// VDPBF16PS and it gives the contract's bits, two bf16 elements.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "../low_rank.hpp"
#include "block.hpp"
#include "convert.hpp"
#include "memory.hpp"
#include "schedule.hpp"
#include "simd.hpp"

namespace revlora::inline v0::detail {

struct packed_factors {
  float strength;
  bool paired;
  std::ptrdiff_t depth;       ///< steps; even
  aligned_array<float> up;    ///< B, by panel: depth × 16
  aligned_array<float> down;  ///< A, by column of blocks: depth × 64

  float* up_of(std::ptrdiff_t panel) const { return up.get() + panel * depth * block_rows; }
  float* down_of(std::ptrdiff_t block) const { return down.get() + block * depth * block_cols; }
};

/// One element a step, in ascending order. The rank is made even by a zero: an appended product of
/// two zeros may turn a chain's −0 into +0, but both vanish when the chain is added to a sum that
/// is never −0.
struct single_steps {
  static constexpr std::ptrdiff_t ranks_at_once = 2;
  static constexpr std::ptrdiff_t steps_at_once = 2;

  /// `rows` are rows of a factor, ranks_at_once of them, zero where there is none.
  template <class Arch, element T>
  static void pack(const T (&rows)[ranks_at_once][block_cols], float* to, std::ptrdiff_t stride) {
    for (int k = 0; k < ranks_at_once; ++k)
      for (int j = 0; j < block_cols; j += lanes<Arch>)
        widen<T>(load<Arch>(rows[k] + j)).store_unaligned(to + k * stride + j);
  }
};

/// Two elements a step, k in the high half and k + 2 in the low, so that one VDPBF16PS advances a
/// chain by both in ascending order. The rank is made a multiple of four, by zeros.
struct paired_steps {
  static constexpr std::ptrdiff_t ranks_at_once = 4;
  static constexpr std::ptrdiff_t steps_at_once = 2;

  template <class Arch, element T>
  static void pack(const T (&rows)[ranks_at_once][block_cols], float* to, std::ptrdiff_t stride) {
    for (int k = 0; k < steps_at_once; ++k)
      for (int j = 0; j < block_cols; j += lanes<Arch>) {
        const words<Arch> pair = load<Arch>(rows[k] + j) << 16 | load<Arch>(rows[k + 2] + j);
        as_floats<Arch>(pair).store_unaligned(to + k * stride + j);
      }
  }
};

/// Columns 64·block … of A.
template <class Arch, class Steps, element T>
void pack_down(const factor_view& a, std::ptrdiff_t block, float* to) {
  const std::ptrdiff_t left = block * block_cols;
  const auto cols = static_cast<std::size_t>(std::min<std::ptrdiff_t>(block_cols, a.cols - left));
  for (std::ptrdiff_t k = 0; k < a.rows; k += Steps::ranks_at_once) {
    T rows[Steps::ranks_at_once][block_cols] = {};
    for (std::ptrdiff_t i = 0; i < std::min(Steps::ranks_at_once, a.rows - k); ++i)
      std::memcpy(rows[i], static_cast<const T*>(a.data) + (k + i) * a.row_stride + left,
                  cols * sizeof(T));
    Steps::template pack<Arch>(rows, to, block_cols);
    to += Steps::steps_at_once * block_cols;
  }
}

/// Rows 16·panel … of B, transposed.
template <class Arch, class Steps, element T>
void pack_up(const factor_view& b, std::ptrdiff_t panel, float* to) {
  const std::ptrdiff_t top = panel * block_rows;
  const std::ptrdiff_t rows = std::min<std::ptrdiff_t>(block_rows, b.rows - top);
  for (std::ptrdiff_t k = 0; k < b.cols; k += Steps::ranks_at_once) {
    T transposed[Steps::ranks_at_once][block_cols] = {};
    const T* const first = static_cast<const T*>(b.data) + top * b.row_stride + k;
    for (std::ptrdiff_t i = 0; i < rows; ++i)
      for (std::ptrdiff_t j = 0; j < std::min(Steps::ranks_at_once, b.cols - k); ++j)
        transposed[j][i] = first[i * b.row_stride + j];
    alignas(64) float steps[Steps::steps_at_once * block_cols];
    Steps::template pack<Arch>(transposed, steps, block_cols);
    for (std::ptrdiff_t step = 0; step < Steps::steps_at_once; ++step, to += block_rows)
      std::memcpy(to, steps + step * block_cols, block_rows * sizeof(float));
  }
}

/// The smallest magnitude in a bf16 factor that is not zero, or a large one.
inline std::uint32_t smallest_magnitude(const factor_view& m) {
  auto smallest = std::numeric_limits<std::uint16_t>::max();
  for (std::ptrdiff_t i = 0; i < m.rows; ++i) {
    const bf16* const row = static_cast<const bf16*>(m.data) + i * m.row_stride;
    for (std::ptrdiff_t j = 0; j < m.cols; ++j)  // minus one, so that zero becomes the largest
      smallest = std::min(smallest, static_cast<std::uint16_t>((row[j].bits & 0x7fff) - 1));
  }
  return smallest + 1u;
}

/// VDPBF16PS flushes subnormals. None can occur if no element is one and the smallest exponents of
/// the two factors add up to at least −112: then every partial sum is a multiple of 2⁻¹²⁶.
inline bool fits_pairs(const low_rank& adapter) {
  if (adapter.type() != element_type::bf16) return false;
  const std::uint32_t b = smallest_magnitude(adapter.b()), a = smallest_magnitude(adapter.a());
  const auto exponent = [](std::uint32_t bits) { return static_cast<int>(bits >> 7) - 127; };
  return exponent(b) > -127 && exponent(a) > -127 && exponent(b) + exponent(a) >= -112;
}

/// Calls `body` with a null pointer of the element type that `type` names.
template <class Body>
void with_element(element_type type, const Body& body) {
  switch (type) {
    case element_type::fp32:
      return body(static_cast<const float*>(nullptr));
    case element_type::fp16:
      return body(static_cast<const f16*>(nullptr));
    case element_type::bf16:
      return body(static_cast<const bf16*>(nullptr));
  }
}

/// Throws std::bad_alloc.
template <class Arch, class Steps, executor Executor>
packed_factors pack_steps(const low_rank& adapter, const Executor& executor) {
  const factor_view &b = adapter.b(), &a = adapter.a();
  const std::ptrdiff_t groups = (adapter.rank() + Steps::ranks_at_once - 1) / Steps::ranks_at_once;
  const std::ptrdiff_t depth = groups * Steps::steps_at_once;
  const std::ptrdiff_t panels = (b.rows + block_rows - 1) / block_rows;
  const std::ptrdiff_t blocks = blocks_of(a.cols);
  packed_factors packed{adapter.strength(), std::same_as<Steps, paired_steps>, depth,
                        allocate<float>(static_cast<std::size_t>(panels * depth * block_rows)),
                        allocate<float>(static_cast<std::size_t>(blocks * depth * block_cols))};
  with_element(adapter.type(), [&]<class T>(const T*) {
    for_each(executor, blocks, [&](std::ptrdiff_t block) {
      pack_down<Arch, Steps, T>(a, block, packed.down_of(block));
    });
    for_each(executor, panels,
             [&](std::ptrdiff_t panel) { pack_up<Arch, Steps, T>(b, panel, packed.up_of(panel)); });
  });
  return packed;
}

/// Throws std::bad_alloc.
template <class Arch, executor Executor>
packed_factors pack(const low_rank& adapter, const Executor& executor) {
  if constexpr (has_dot_pairs<Arch>) {
    if (fits_pairs(adapter)) return pack_steps<Arch, paired_steps>(adapter, executor);
  }
  return pack_steps<Arch, single_steps>(adapter, executor);
}

}  // namespace revlora::inline v0::detail
