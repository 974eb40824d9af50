// The checks at the border of every call: O(1) per matrix, always on, before anything is written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "../../low_rank.hpp"
#include "../../undo_record.hpp"
#include "../format.hpp"
#include "../namespace.hpp"
#include "../refuse.hpp"
#include "fingerprint.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline validation check_matrix(const std::string& name, const factor_view& m) {
  if (m.rows < 0 || m.cols < 0)
    return refused(name + " has a negative shape, " + shape_text(m.rows, m.cols));
  // Only strides count that are stepped by.
  const std::ptrdiff_t to_next_column = m.cols > 1 ? m.col_stride : 1;
  if (to_next_column == 1 && m.rows > 1 && m.row_stride < m.cols)
    return refused(name + " has a row stride of " + std::to_string(m.row_stride) +
                   ", shorter than its " + std::to_string(m.cols) + " columns");
  if (m.rows == 0 || m.cols == 0) return {};
  if (m.data == nullptr)
    return refused(name + " is " + shape_text(m.rows, m.cols) + " but its data is null");
  const auto refused_strides = [&](const char* why) {
    return refused(name + ", " + shape_text(m.rows, m.cols) + " with a row stride of " +
                   std::to_string(m.row_stride) + " and a column stride of " +
                   std::to_string(m.col_stride) + ", " + why);
  };
  const std::ptrdiff_t to_next_row = m.rows > 1 ? m.row_stride : 1;
  if (to_next_column < 1 || to_next_row < 1)
    return refused_strides("goes backwards or stands still in memory");
  std::ptrdiff_t row, column, bytes;
  if (__builtin_mul_overflow(m.cols, to_next_column, &row) ||
      __builtin_mul_overflow(m.rows, to_next_row, &column) ||
      __builtin_add_overflow(row, column, &bytes) ||
      __builtin_mul_overflow(bytes, static_cast<std::ptrdiff_t>(size_of(m.type)), &bytes))
    return refused_strides("is larger than memory can be");
  // A step to the next row leaps over a whole row, or one to the next column over a whole column.
  const bool rows_apart = m.rows == 1 || to_next_row > row - to_next_column;
  const bool columns_apart = m.cols == 1 || to_next_column > column - to_next_row;
  if (!rows_apart && !columns_apart) return refused_strides("overlaps itself in memory");
  return {};
}

/// Weights are a matrix of rows that are written as a whole.
inline validation check_weights(const std::string& name, const factor_view& w) {
  validation found = check_matrix(name, w);
  if (found && w.col_stride != 1 && w.rows > 0 && w.cols > 1)
    return refused(name + " is not row-major, its columns are " + std::to_string(w.col_stride) +
                   " elements apart: if its rows are not, pass W.transposed() and "
                   "adapter.transposed()");
  return found;
}

/// Whether the memory from the first to the last element of one lies across that of the other.
inline bool overlap(const factor_view& m, const factor_view& n) {
  const auto end_of = [](const factor_view& v) {
    const std::ptrdiff_t last = (v.rows - 1) * v.row_stride + (v.cols - 1) * v.col_stride;
    return static_cast<const std::byte*>(v.data) +
           static_cast<std::size_t>(last + 1) * size_of(v.type);
  };
  if (m.rows == 0 || m.cols == 0 || n.rows == 0 || n.cols == 0) return false;
  const std::less<const void*> before;
  return before(m.data, end_of(n)) && before(n.data, end_of(m));
}

inline validation check_adapter(const std::string& name, const low_rank& adapter,
                                const factor_view& w) {
  const factor_view &b = adapter.b(), &a = adapter.a();
  if (validation found = check_matrix(name + "'s B", b); !found) return found;
  if (validation found = check_matrix(name + "'s A", a); !found) return found;
  if (b.cols != a.rows)
    return refused(name + "'s factors disagree on the rank: B is " + shape_text(b.rows, b.cols) +
                   ", A is " + shape_text(a.rows, a.cols));
  if (b.rows != w.rows || a.cols != w.cols)
    return refused(name + " is for a " + shape_text(b.rows, a.cols) + " weight, W is " +
                   shape_text(w.rows, w.cols));
  // By its bits: a comparison would raise flags of the caller's.
  if ((bits_of(adapter.strength()) & format<float>::exponent_mask) == format<float>::exponent_mask)
    return refused(name + "'s strength is not a finite number");
  if (overlap(w, b)) return refused("W overlaps " + name + "'s B in memory");
  if (overlap(w, a)) return refused("W overlaps " + name + "'s A in memory");
  return {};
}

inline validation check(const factor_view& w, adapter_list adapters,
                        const char* called = "adapter ") {
  validation found = check_weights("W", w);
  for (std::size_t i = 0; found && i < adapters.size(); ++i)
    found = check_adapter(called + std::to_string(i), adapters[i], w);
  return found;
}

/// The lists of a swap.
inline validation check(const factor_view& w, adapter_list merged, adapter_list wanted) {
  if (validation found = check(w, merged); !found) return found;
  return check(w, wanted, "wanted adapter ");
}

/// A destination must be as large as the source, and elsewhere.
inline validation check(const factor_view& from, const factor_view& to, adapter_list adapters) {
  if (validation found = check(to, adapters); !found) return found;
  if (validation found = check_weights("the source", from); !found) return found;
  if (from.rows != to.rows || from.cols != to.cols)
    return refused("the destination is " + shape_text(to.rows, to.cols) + ", the source " +
                   shape_text(from.rows, from.cols));
  if (overlap(from, to))
    return refused(
        "the destination overlaps the source in memory: to change W in place, pass it once");
  return {};
}

/// Which of the given adapters is not the one that was merged in its place, and how it differs.
inline validation check_fingerprints(std::span<const std::uint64_t> merged, adapter_list adapters) {
  if (merged.size() != adapters.size())
    return refused_record(refusal::other_count,
                          "the undo record is for " + std::to_string(merged.size()) +
                              " adapters, not " + std::to_string(adapters.size()));
  std::vector<std::uint64_t> given;
  for (const low_rank& adapter : adapters) given.push_back(fingerprint(adapter));
  const auto [other, own] = std::mismatch(merged.begin(), merged.end(), given.begin());
  if (other == merged.end()) return {};
  if (std::is_permutation(merged.begin(), merged.end(), given.begin()))
    return refused_record(refusal::other_order, "the adapters were merged in another order");
  const auto at = static_cast<std::size_t>(other - merged.begin());
  const std::string name = "adapter " + std::to_string(at);
  // Equal upper halves: the same factors, and what differs below is the strength.
  const std::uint64_t difference = *other ^ *own;
  if (difference >> 32 == 0) {
    const float strength = adapters[at].strength();
    const auto bits = bits_of(strength) ^ static_cast<std::uint32_t>(difference);
    return refused_record(refusal::other_strength, name + " was merged with strength " +
                                                       number_text(from_bits<float>(bits)) +
                                                       ", not " + number_text(strength));
  }
  return refused_record(refusal::other_adapter,
                        name + " is not the one that was merged: its factors, type or rank differ");
}

/// Whether a record was made for weights of this type and shape and for these adapters.
inline validation check_record(const factor_view& w, adapter_list adapters,
                               const undo_record& record) {
  if (record.empty())
    return refused_record(refusal::empty_record,
                          "the undo record is empty: no merge has filled it");
  if (record.type() != w.type)
    return refused_record(refusal::other_type, std::string("the undo record is for ") +
                                                   name_of(record.type()) + " weights, W is " +
                                                   name_of(w.type));
  if (record.rows() != w.rows || record.cols() != w.cols)
    return refused_record(refusal::other_shape, "the undo record is for " +
                                                    shape_text(record.rows(), record.cols()) +
                                                    " weights, W is " + shape_text(w.rows, w.cols));
  if (record.recipe() != adapters.recipe())
    return refused_record(refusal::other_recipe,
                          std::string("the adapters were merged by the recipe ") +
                              name_of(record.recipe()) + ", not " + name_of(adapters.recipe()));
  return check_fingerprints(record.fingerprints(), adapters);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
