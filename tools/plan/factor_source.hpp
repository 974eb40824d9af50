// Where the factors of one update come from, seen as they lie in the stored weight, and how they
// become what the library takes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/stored_matrix.hpp"
#include "revlora/low_rank.hpp"

namespace revlora::tool {

/// D = strength · B·A of a part of a tensor that is `b.rows × columns()`.
struct factor_source {
  std::size_t adapter;  ///< number in the list that the plan was made of
  stored_matrix b;
  stored_matrix a;
  /// If there is one, A is core · a: see low_rank_update. Then `a` is `q × in`, and the core `rank
  /// × (q · kernel)`.
  std::optional<stored_matrix> core;
  float strength;

  std::uint64_t rank() const { return b.cols; }
  /// Elements of a kernel: 1 if there is no core.
  std::uint64_t kernel() const { return core ? core->cols / a.rows : 1; }
  std::uint64_t columns() const { return a.cols * kernel(); }
};

/// The factors in memory, dense and row-major.
struct loaded_factors {
  element_type type;
  std::uint64_t rows, rank, cols;
  std::vector<std::byte> b;  ///< rows × rank
  std::vector<std::byte> a;  ///< rank × cols
  float strength;

  low_rank view() const {
    const auto at = [](std::uint64_t n) { return static_cast<std::ptrdiff_t>(n); };
    return {any_const_matrix(b.data(), type, at(rows), at(rank)),
            any_const_matrix(a.data(), type, at(rank), at(cols)), strength};
  }
};

/// The type that load() gives them.
element_type type_when_loaded(const factor_source& from);

/// In the type that they have, if that is one of the library's for both; else in fp32: exactly of
/// 16 and 8 bits, rounded of F64. A core is multiplied out in double precision, and rounded to
/// fp32.
loaded_factors load(const adapter_files& files, const factor_source& from);

}  // namespace revlora::tool
