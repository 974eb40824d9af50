// One LoRA adapter of one weight matrix, and a list of them.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "detail/namespace.hpp"
#include "detail/refuse.hpp"
#include "detail/strided.hpp"
#include "element.hpp"
#include "matrix_view.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// A `rows × cols` matrix whose element type is known only at run time. Like matrix_view it owns
/// nothing, and its extents and strides are in elements.
struct factor_view {
  const void* data;           ///< element (0, 0)
  element_type type;          ///< of the elements
  std::ptrdiff_t rows;        ///< d_out of a B, the rank of an A
  std::ptrdiff_t cols;        ///< the rank of a B, d_in of an A
  std::ptrdiff_t row_stride;  ///< in elements, from a row to the next
  std::ptrdiff_t col_stride;  ///< in elements, from a column to the next

  /// The same matrix.
  template <class T>
  factor_view(matrix_view<T> m)
      : factor_view(m.data, element_type_of<std::remove_const_t<T>>, m.rows, m.cols, m.row_stride,
                    m.col_stride) {}

  /// Element (i, j) of the transpose is (j, i) of this one.
  factor_view transposed() const { return {data, type, cols, rows, col_stride, row_stride}; }
  /// Rows `first` … `first + count − 1`. Throws invalid_input if there are not so many.
  factor_view row_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    detail::require(detail::check_slice("rows", first, count, rows));
    return {behind(first * row_stride), type, count, cols, row_stride, col_stride};
  }
  /// Columns `first` … `first + count − 1`. Throws invalid_input if there are not so many.
  factor_view column_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    detail::require(detail::check_slice("columns", first, count, cols));
    return {behind(first * col_stride), type, rows, count, row_stride, col_stride};
  }

 private:
  factor_view(const void* elements, element_type its_type, std::ptrdiff_t row_count,
              std::ptrdiff_t col_count, std::ptrdiff_t stride_of_rows,
              std::ptrdiff_t stride_of_columns)
      : data(elements),
        type(its_type),
        rows(row_count),
        cols(col_count),
        row_stride(stride_of_rows),
        col_stride(stride_of_columns) {}

  const void* behind(std::ptrdiff_t elements) const {
    return detail::behind(static_cast<const std::byte*>(data),
                          elements * static_cast<std::ptrdiff_t>(size_of(type)));
  }
};

/// The update `strength · B · A` of a `d_out × d_in` weight, given by its factors.
///
/// B ("up", PEFT's `lora_B`) is `d_out × r`, A ("down", `lora_A`) is `r × d_in`; both are of one
/// element type, which need not be the weight's, and may be row-major or column-major. Any rank
/// r ≥ 0. Views only: the factors must outlive the calls that use them. Nothing is checked but
/// slices: shapes, strides and strength are when a call uses the adapter (invalid_input).
class low_rank {
 public:
  /// `strength` is the factor in front of B·A, for PEFT `lora_alpha / r` times what the user asks
  /// for, computed in double and rounded once to float.
  template <class Up, class Down>
  requires(element_type_of<std::remove_const_t<Up>> == element_type_of<std::remove_const_t<Down>>)
      low_rank(matrix_view<Up> b, matrix_view<Down> a, float strength)
      : low_rank(factor_view(b), factor_view(a), strength) {}

  /// The same of two matrices that tell their shapes and strides: mdspan-likes, Eigen's matrices
  /// and maps.
  template <class Up, class Down>
  requires detail::strided<Up, detail::element_of_strided<Up>> &&
      detail::strided<Down, detail::element_of_strided<Down>>
      low_rank(Up&& b, Down&& a, float strength)
      : low_rank(matrix_view<detail::element_of_strided<Up>>(b),
                 matrix_view<detail::element_of_strided<Down>>(a), strength) {}

  const factor_view& b() const { return b_; }      ///< "up", d_out × r
  const factor_view& a() const { return a_; }      ///< "down", r × d_in
  float strength() const { return strength_; }     ///< the factor in front of B·A
  std::ptrdiff_t rank() const { return a_.rows; }  ///< r
  element_type type() const { return a_.type; }    ///< of the factors

  /// The update of the transposed weight, strength · Aᵀ · Bᵀ: the same products in the same order,
  /// so the bits of a merge are those of the merge of the weight. For weights that are stored
  /// column-major or `[in, out]`.
  low_rank transposed() const { return {a_.transposed(), b_.transposed(), strength_}; }
  /// The update of rows `first` … `first + count − 1` of the weight: of q in a fused qkv, of a
  /// column-parallel shard. Throws invalid_input if there are not so many.
  low_rank row_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return {b_.row_slice(first, count), a_, strength_};
  }
  /// The update of columns `first` … `first + count − 1` of the weight: of a row-parallel shard.
  /// Throws invalid_input if there are not so many.
  low_rank column_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return {b_, a_.column_slice(first, count), strength_};
  }

 private:
  low_rank(const factor_view& b, const factor_view& a, float strength)
      : b_(b), a_(a), strength_(strength) {}

  factor_view b_;
  factor_view a_;
  float strength_;
};

/// How D = Σ s·B·A is added to the weights. The values are part of the undo record's format.
enum class recipe : std::uint8_t {
  fused = 0,          ///< round(x + D): D in fp32, one rounding to the weights' type
  rounded_delta = 1,  ///< round(x + round(D)): with one adapter, what PEFT's `safe_merge` does
};

/// "fused" or "rounded_delta".
constexpr const char* name_of(recipe how) {
  return how == recipe::fused ? "fused" : "rounded_delta";
}

/// The adapters of one call, in the order in which they are added up, and the recipe. Converts from
/// one adapter, from `{first, second}`, from anything a `std::span<const low_rank>` can be made of,
/// and from each of these with a recipe, `{adapters, recipe::rounded_delta}`. A view: meant for
/// parameters, not for keeping.
class adapter_list {
 public:
  /// None.
  adapter_list() = default;
  /// One.
  adapter_list(const low_rank& adapter, revlora::recipe how = revlora::recipe::fused)
      : adapters_(&adapter, 1), recipe_(how) {}
  /// Those in the braces.
  adapter_list(std::initializer_list<low_rank> adapters,
               revlora::recipe how = revlora::recipe::fused)
      : adapters_(adapters.begin(), adapters.size()), recipe_(how) {}
  /// Those of a std::vector, std::span or the like.
  template <class Range>
  requires std::convertible_to<const Range&, std::span<const low_rank>> adapter_list(
      const Range& adapters, revlora::recipe how = revlora::recipe::fused)
      : adapters_(adapters), recipe_(how) {}

  revlora::recipe recipe() const { return recipe_; }     ///< how their sum is added
  std::size_t size() const { return adapters_.size(); }  ///< how many there are
  bool empty() const { return adapters_.empty(); }       ///< whether there are none
  /// The one that is added i-th, from 0; `i < size()`, which is not checked.
  const low_rank& operator[](std::size_t i) const { return adapters_[i]; }
  auto begin() const { return adapters_.begin(); }  ///< the first
  auto end() const { return adapters_.end(); }      ///< behind the last

 private:
  std::span<const low_rank> adapters_;
  revlora::recipe recipe_ = revlora::recipe::fused;
};

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
