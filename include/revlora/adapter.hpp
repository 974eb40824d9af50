/// \file
/// An adapter of one weight matrix, of whatever family, and a list of them.
///
/// Families: low_rank.hpp (LoRA), hadamard.hpp (LoHa).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "any_matrix.hpp"
#include "detail/namespace.hpp"
#include "detail/plain.hpp"
#include "element.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// What an update of a weight is made of. The values are part of fingerprints.
enum class family : std::uint8_t {
  low_rank = 0,  ///< s·B·A: low_rank
  hadamard = 1,  ///< s·(B₁·A₁)∘(B₂·A₂): hadamard
};

/// How D is added to the weights. The values are part of the undo record's format.
enum class recipe : std::uint8_t {
  fused = 0,          ///< round(x + D): D in fp32, one rounding to the weights' type
  saturate = fused,   ///< the same, by what it does to e4m3: what is beyond ±448 becomes ±448
  rounded_delta = 1,  ///< round(x + round(D)): with one adapter, what PEFT's `safe_merge` does
  nan = 2,            ///< as fused, but what e4m3 has no number for, beyond ±464, becomes NaN
};

/// "fused", "rounded_delta" or "nan".
constexpr const char* name_of(recipe chosen) {
  constexpr const char* names[] = {"fused", "rounded_delta", "nan"};
  return names[static_cast<int>(chosen)];
}

namespace detail {
/// Both families so far are made of products B·A: what is done to the update is done to each.
struct products {
  static plain::adapter transposed(const plain::adapter& of) {
    plain::adapter result = of;
    for (std::size_t i = 0; i < of.factor_count; i += 2) {
      result.factors[i] = detail::transposed(of.factors[i + 1]);
      result.factors[i + 1] = detail::transposed(of.factors[i]);
    }
    return result;
  }
  static plain::adapter row_slice(const plain::adapter& of, std::ptrdiff_t first,
                                  std::ptrdiff_t count) {
    plain::adapter result = of;
    for (std::size_t i = 0; i < of.factor_count; i += 2) {
      require(check_slice("rows", first, count, of.factors[i].rows));
      result.factors[i] = detail::row_slice(of.factors[i], first, count);
    }
    return result;
  }
  static plain::adapter column_slice(const plain::adapter& of, std::ptrdiff_t first,
                                     std::ptrdiff_t count) {
    plain::adapter result = of;
    for (std::size_t i = 1; i < of.factor_count; i += 2) {
      require(check_slice("columns", first, count, of.factors[i].cols));
      result.factors[i] = detail::column_slice(of.factors[i], first, count);
    }
    return result;
  }
};
}  // namespace detail

/// The update of a `d_out × d_in` weight by one adapter. Made as one of the families, which convert
/// to it: what takes an adapter takes any, and a list may mix them.
///
/// Its factors are of one element type, which need not be the weight's, and may be row-major or
/// column-major, and have no scales. Views only: the factors must outlive the calls that use them.
/// Nothing else is checked but slices: shapes, types, strides and strength are when a call uses the
/// adapter (invalid_input).
class adapter {
 public:
  revlora::family family() const { return static_cast<revlora::family>(plain_.family); }  ///< which
  float strength() const { return plain_.strength; }      ///< the factor in front of it all
  element_type type() const { return factor(0).type(); }  ///< of the factors

  /// How many factors there are.
  std::size_t factor_count() const { return plain_.factor_count; }
  /// One of them, in the order of the family's constructor; `i < factor_count()`, which is not
  /// checked.
  any_const_matrix factor(std::size_t i) const {
    const plain::matrix& m = plain_.factors[i];
    return {m.data, static_cast<element_type>(m.type), m.rows, m.cols, m.row_stride, m.col_stride};
  }

  /// The update of the transposed weight: the same products in the same order, so the bits of a
  /// merge are those of the merge of the weight. For weights that are stored column-major or
  /// `[in, out]`.
  adapter transposed() const { return adapter(detail::products::transposed(plain_)); }
  /// The update of rows `first` … `first + count − 1` of the weight: of q in a fused qkv, of a
  /// column-parallel shard. Throws invalid_input if there are not so many.
  adapter row_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return adapter(detail::products::row_slice(plain_, first, count));
  }
  /// The update of columns `first` … `first + count − 1` of the weight: of a row-parallel shard.
  /// Throws invalid_input if there are not so many.
  adapter column_slice(std::ptrdiff_t first, std::ptrdiff_t count) const {
    return adapter(detail::products::column_slice(plain_, first, count));
  }

  /// As it crosses the border of a call: for the doors.
  const plain::adapter& to_plain() const { return plain_; }

 protected:
  /// Of factors, each of which is a plain view.
  adapter(revlora::family chosen, std::initializer_list<any_const_matrix> factors, float strength)
      : plain_{static_cast<std::uint8_t>(chosen),
               static_cast<std::uint8_t>(factors.size()),
               strength,
               {}} {
    plain::matrix* to = plain_.factors;
    for (const any_const_matrix& each : factors) {
      detail::require(detail::check_unscaled("a factor", each.to_plain()));
      *to++ = each.to_plain().elements;
    }
  }
  /// What one of the functions above made.
  explicit adapter(const plain::adapter& made) : plain_(made) {}

 private:
  plain::adapter plain_;
};

namespace detail {
/// A range of adapters, or of a family's, which are adapters without anything added.
template <class Range>
concept range_of_adapters = std::ranges::contiguous_range<const Range> &&
                            std::ranges::sized_range<const Range> &&
                            std::derived_from<std::ranges::range_value_t<const Range>, adapter> &&
                            sizeof(std::ranges::range_value_t<const Range>) == sizeof(adapter);
}  // namespace detail

/// The adapters of one call, in the order in which they are added up, and the recipe. Converts from
/// one adapter, from `{first, second}`, from anything a `std::span` of adapters or of one family
/// can be made of, and from each of these with a recipe, `{adapters, recipe::rounded_delta}`. A
/// view: meant for parameters, not for keeping.
class adapter_list {
 public:
  /// None.
  adapter_list() = default;
  /// One.
  adapter_list(const adapter& only, revlora::recipe chosen = revlora::recipe::fused)
      : adapters_(&only, 1), recipe_(chosen) {}
  /// Those in the braces.
  adapter_list(std::initializer_list<adapter> adapters,
               revlora::recipe chosen = revlora::recipe::fused)
      : adapters_(adapters.begin(), adapters.size()), recipe_(chosen) {}
  /// Those of a std::vector, std::span or the like.
  template <class Range>
  requires detail::range_of_adapters<Range> adapter_list(
      const Range& adapters, revlora::recipe chosen = revlora::recipe::fused)
      : adapters_(static_cast<const adapter*>(std::ranges::data(adapters)),
                  std::ranges::size(adapters)),
        recipe_(chosen) {}

  revlora::recipe recipe() const { return recipe_; }     ///< how their sum is added
  std::size_t size() const { return adapters_.size(); }  ///< how many there are
  bool empty() const { return adapters_.empty(); }       ///< whether there are none
  /// The one that is added i-th, from 0; `i < size()`, which is not checked.
  const adapter& operator[](std::size_t i) const { return adapters_[i]; }
  auto begin() const { return adapters_.begin(); }  ///< the first
  auto end() const { return adapters_.end(); }      ///< behind the last

  /// As it crosses the border of a call: for the doors.
  plain::adapter_list to_plain() const {
    static_assert(sizeof(adapter) == sizeof(plain::adapter));
    return {reinterpret_cast<const plain::adapter*>(adapters_.data()), size(),
            static_cast<std::uint8_t>(recipe_)};
  }

 private:
  std::span<const adapter> adapters_;
  revlora::recipe recipe_ = revlora::recipe::fused;
};

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
