// Weights, adapters and executors of all kinds, drawn at random.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <variant>
#include <vector>

#include <revlora/revlora.hpp>

#include "executors.hpp"
#include "fenced_grid.hpp"
#include "grid.hpp"

namespace contract {

/// On the calling thread in one order or the other, on two threads, or on an OpenMP team.
class any_executor {
 public:
  explicit any_executor(numbers& random) : kind_(random.below(4)) {}

  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    switch (kind_) {
      case 0:
        return revlora::serial{}.parallel_for(count, body);
      case 1:
        for (std::ptrdiff_t i = count - 1; i >= 0; --i) body(i);
        return;
      case 2:
        return on_threads{}.parallel_for(count, body);
      default:
        return revlora::default_executor{}.parallel_for(count, body);
    }
  }

 private:
  std::uint32_t kind_;
};

inline pattern any_pattern(numbers& random) {
  return random.below(3) == 0 ? pattern::any : pattern::ordinary;
}

/// Often at the edge of a block, now and then empty.
inline std::ptrdiff_t any_extent(numbers& random, std::uint32_t block, std::uint32_t most_blocks) {
  const std::uint32_t blocks = random.below(most_blocks + 1) * block;
  const std::uint32_t beyond = random.below(2) == 0 ? random.below(3) : random.below(block);
  return static_cast<std::ptrdiff_t>(blocks + beyond);
}

/// An adapter that owns its factors, of any type, rank and layout.
class any_adapter {
 public:
  any_adapter(numbers& random, std::ptrdiff_t rows, std::ptrdiff_t cols)
      : factors_(draw_factors(random, rows, cols)),
        strength_(static_cast<float>(random.below(17)) / 8 - 1) {}

  revlora::low_rank view() const {
    return std::visit(
        [&](const auto& its) { return revlora::low_rank(its[0].view(), its[1].view(), strength_); },
        factors_);
  }

 private:
  template <class F>
  using pair = std::vector<fenced_grid<F>>;  ///< B and A
  using any_pair = std::variant<pair<float>, pair<revlora::f16>, pair<revlora::bf16>,
                                pair<revlora::e4m3>, pair<revlora::e5m2>>;

  template <class F>
  static any_pair draw_factors_of(numbers& random, std::ptrdiff_t rows, std::ptrdiff_t cols) {
    const std::ptrdiff_t rank = any_extent(random, 32, 2);
    const pattern kind = any_pattern(random);
    pair<F> both;
    both.reserve(2);
    both.emplace_back(random, kind, rows, rank, random.below(2) == 0);
    both.emplace_back(random, kind, rank, cols, random.below(2) == 0);
    return both;
  }
  static any_pair draw_factors(numbers& random, std::ptrdiff_t rows, std::ptrdiff_t cols) {
    switch (random.below(5)) {
      case 0:
        return draw_factors_of<float>(random, rows, cols);
      case 1:
        return draw_factors_of<revlora::f16>(random, rows, cols);
      case 2:
        return draw_factors_of<revlora::e4m3>(random, rows, cols);
      case 3:
        return draw_factors_of<revlora::e5m2>(random, rows, cols);
      default:
        return draw_factors_of<revlora::bf16>(random, rows, cols);
    }
  }

  any_pair factors_;
  float strength_;
};

/// Adapters, of which the same may come twice, and a recipe.
struct any_list {
  std::vector<revlora::low_rank> adapters;
  revlora::recipe how;

  any_list(numbers& random, const std::vector<any_adapter>& pool)
      : how(random.below(3) == 0 ? revlora::recipe::rounded_delta : revlora::recipe::fused) {
    for (std::uint32_t n = random.below(5); n > 0; --n)
      adapters.push_back(pool[random.below(static_cast<std::uint32_t>(pool.size()))].view());
  }
  operator revlora::adapter_list() const { return {adapters, how}; }

  /// The same for some columns of the weights.
  any_list(const any_list& whole, std::ptrdiff_t first, std::ptrdiff_t count) : how(whole.how) {
    for (const revlora::low_rank& each : whole.adapters)
      adapters.push_back(each.column_slice(first, count));
  }
};

/// Weights, and adapters that fit.
template <class W>
struct random_scene {
  fenced_grid<W> base;
  std::vector<any_adapter> pool;

  explicit random_scene(numbers& random)
      : random_scene(random, any_extent(random, 16, random.below(8) == 0 ? 20 : 3),
                     any_extent(random, 64, random.below(8) == 0 ? 8 : 3)) {}

 private:
  random_scene(numbers& random, std::ptrdiff_t rows, std::ptrdiff_t cols)
      : base(random, any_pattern(random), rows, cols) {
    pool.reserve(3);
    for (int n = 0; n < 3; ++n) pool.emplace_back(random, rows, cols);
  }
};

}  // namespace contract
