// The checks at the border of every call: O(1) per matrix and O(1) per scale, always on, before
// anything is written.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "../namespace.hpp"
#include "../panels.hpp"
#include "../plain.hpp"
#include "../record/contents.hpp"
#include "../refuse.hpp"
#include "../schedule/scales.hpp"
#include "../views.hpp"
#include "check_matrix.hpp"
#include "families.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// By its bits: a comparison would raise flags of the caller's.
inline bool is_finite(float value) {
  return (std::bit_cast<std::uint32_t>(value) & fp32_format::exponent_mask) !=
         fp32_format::exponent_mask;
}

inline validation check_scales(const argument& name, const plain::weights& w) {
  if (!is_scaled(w)) return {};
  const auto type = static_cast<element_type>(w.elements.type);
  if (!may_be_scaled(type))
    return refused({name, " is ", name_of(type), " and scaled: only weights of 8 bits are"});
  if (validation found = check_matrix(name.scales(), w.scales); !found) return found;
  if (size_of(static_cast<element_type>(w.scales.type)) == 1)
    return refused({"the scales of ", name, " are of 8 bits: they may be fp32, fp16 or bf16"});
  if (w.scale_cols < w.elements.cols && w.scale_cols % block_cols != 0)
    return refused(
        {"the scales of ", name, " are of columns: they may be of rows, not of columns"});
  for (std::ptrdiff_t i = 0; i < w.scales.rows; ++i)
    for (std::ptrdiff_t j = 0; j < w.scales.cols; ++j) {
      const auto bits = std::bit_cast<std::uint32_t>(scale_at(w.scales, i, j));
      if (bits == 0 || bits >= fp32_format::exponent_mask)  // negative ones too
        return refused({"scale (", i, ", ", j, ") of ", name, " is not a positive finite number"});
    }
  return {};
}

/// Weights are a matrix of rows that are written as a whole.
inline validation check_weights(const argument& name, const plain::weights& weights) {
  const plain::matrix& w = weights.elements;
  if (validation found = check_matrix(name, w); !found) return found;
  if (w.col_stride != 1 && w.rows > 0 && w.cols > 1)
    return refused({name, " is not row-major, its columns are ", w.col_stride,
                    " elements apart: if its rows are not, pass W.transposed() and "
                    "adapter.transposed()"});
  if (weights.scales.rows > 0 && overlap(w, weights.scales))
    return refused({name, " overlaps its scales in memory"});
  return check_scales(name, weights);
}

inline validation check_adapter(const argument& name, const plain::adapter& adapter,
                                const plain::matrix& w) {
  const family_rules& rules = rules_of(adapter);
  for (std::size_t i = 0; i < rules.factor_count; ++i) {
    const argument factor = name.part_called(rules.factor_names[i]);
    if (validation found = check_matrix(factor, adapter.factors[i]); !found) return found;
    if (adapter.factors[i].type != adapter.factors[0].type)
      return refused({factor, " is ", name_of(static_cast<element_type>(adapter.factors[i].type)),
                      ", its ", rules.factor_names[0], " is ",
                      name_of(static_cast<element_type>(adapter.factors[0].type)),
                      ": the factors of an adapter have to be of one type"});
  }
  if (validation found = rules.check_shapes(name, adapter, w.rows, w.cols); !found) return found;
  if (!is_finite(adapter.strength)) return refused({name, "'s strength is not a finite number"});
  for (std::size_t i = 0; i < rules.factor_count; ++i)
    if (overlap(w, adapter.factors[i]))
      return refused({"W overlaps ", name, "'s ", rules.factor_names[i], " in memory"});
  return {};
}

inline validation check(const plain::weights& w, const plain::adapter_list& adapters,
                        const char* called = "adapter ") {
  validation found = check_weights({"W"}, w);
  for (std::size_t i = 0; found && i < adapters.count; ++i)
    found =
        check_adapter({called, static_cast<std::ptrdiff_t>(i)}, adapters.adapters[i], w.elements);
  return found;
}

/// The lists of a swap.
inline validation check(const plain::weights& w, const plain::adapter_list& merged,
                        const plain::adapter_list& wanted) {
  if (validation found = check(w, merged); !found) return found;
  return check(w, wanted, "wanted adapter ");
}

inline bool have_same_scales(const plain::weights& v, const plain::weights& w) {
  return v.scales.data == w.scales.data && v.scales.type == w.scales.type &&
         v.scale_rows == w.scale_rows && v.scale_cols == w.scale_cols;
}

/// A destination must be as large as the source, and elsewhere. Its scales are those of the source.
inline validation check(const plain::weights& from, const plain::weights& to,
                        const plain::adapter_list& adapters) {
  if (validation found = check(to, adapters); !found) return found;
  if (validation found = check_weights({"the source"}, from); !found) return found;
  const plain::matrix &source = from.elements, &destination = to.elements;
  if (source.type != destination.type)
    return refused({"the destination is ", name_of(static_cast<element_type>(destination.type)),
                    ", the source ", name_of(static_cast<element_type>(source.type))});
  if (source.rows != destination.rows || source.cols != destination.cols)
    return refused({"the destination is ", shape{destination.rows, destination.cols},
                    ", the source ", shape{source.rows, source.cols}});
  if (is_scaled(to) && !have_same_scales(from, to))
    return refused({"the destination has other scales than the source, which it is to keep"});
  if (overlap(source, destination))
    return refused(
        {"the destination overlaps the source in memory: to change W in place, pass it once"});
  return {};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
