// One LoRA adapter of one weight matrix, and a list of them.
#pragma once

#include <concepts>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "detail/namespace.hpp"
#include "element.hpp"
#include "matrix_view.hpp"

namespace revlora::inline REVLORA_NAMESPACE {

/// A matrix whose element type is known only at run time.
struct factor_view {
  const void* data;
  element_type type;
  std::ptrdiff_t rows;
  std::ptrdiff_t cols;
  std::ptrdiff_t row_stride;  ///< in elements

  template <class T>
  factor_view(matrix_view<T> m)
      : data(m.data),
        type(element_type_of<std::remove_const_t<T>>),
        rows(m.rows),
        cols(m.cols),
        row_stride(m.row_stride) {}
};

/// The update `strength · B · A` of a `d_out × d_in` weight, given by its factors.
///
/// B ("up", PEFT's `lora_B`) is `d_out × r`, A ("down", `lora_A`) is `r × d_in`; both are of one
/// element type, which need not be the weight's. Any rank r ≥ 0. Views only: the factors must
/// outlive the calls that use them.
class low_rank {
 public:
  /// `strength` is the factor in front of B·A, for PEFT `lora_alpha / r` times what the user asks
  /// for, computed in double and rounded once to float.
  template <class Up, class Down>
  requires(std::same_as<std::remove_const_t<Up>, std::remove_const_t<Down>>)
      low_rank(matrix_view<Up> b, matrix_view<Down> a, float strength)
      : b_(b), a_(a), strength_(strength) {}

  const factor_view& b() const { return b_; }
  const factor_view& a() const { return a_; }
  float strength() const { return strength_; }
  std::ptrdiff_t rank() const { return a_.rows; }
  element_type type() const { return a_.type; }

 private:
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
  adapter_list() = default;
  adapter_list(const low_rank& adapter, revlora::recipe how = revlora::recipe::fused)
      : adapters_(&adapter, 1), recipe_(how) {}
  adapter_list(std::initializer_list<low_rank> adapters,
               revlora::recipe how = revlora::recipe::fused)
      : adapters_(adapters.begin(), adapters.size()), recipe_(how) {}
  template <class Range>
  requires std::convertible_to<const Range&, std::span<const low_rank>> adapter_list(
      const Range& adapters, revlora::recipe how = revlora::recipe::fused)
      : adapters_(adapters), recipe_(how) {}

  revlora::recipe recipe() const { return recipe_; }
  std::size_t size() const { return adapters_.size(); }
  bool empty() const { return adapters_.empty(); }
  const low_rank& operator[](std::size_t i) const { return adapters_[i]; }
  auto begin() const { return adapters_.begin(); }
  auto end() const { return adapters_.end(); }

 private:
  std::span<const low_rank> adapters_;
  revlora::recipe recipe_ = revlora::recipe::fused;
};

}  // namespace revlora::inline REVLORA_NAMESPACE
