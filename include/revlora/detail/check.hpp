// The checks at the border of every call: O(1) per matrix, always on, before anything is written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "../low_rank.hpp"
#include "../undo_record.hpp"
#include "convert.hpp"
#include "fingerprint.hpp"
#include "refuse.hpp"

namespace revlora::inline v0::detail {

inline void check_matrix(const std::string& name, const factor_view& m) {
  if (m.rows < 0 || m.cols < 0)
    refuse(name + " has a negative shape, " + shape_text(m.rows, m.cols));
  if (m.row_stride < m.cols)
    refuse(name + " has a row stride of " + std::to_string(m.row_stride) + ", shorter than its " +
           std::to_string(m.cols) + " columns");
  if (m.rows == 0 || m.cols == 0) return;
  if (m.data == nullptr)
    refuse(name + " is " + shape_text(m.rows, m.cols) + " but its data is null");
  std::ptrdiff_t bytes;
  if (__builtin_mul_overflow(m.rows, m.row_stride, &bytes) ||
      __builtin_mul_overflow(bytes, static_cast<std::ptrdiff_t>(size_of(m.type)), &bytes))
    refuse(name + ", " + shape_text(m.rows, m.cols) + " with a row stride of " +
           std::to_string(m.row_stride) + ", is larger than memory can be");
}

/// Whether the memory from the first to the last element of one lies across that of the other.
inline bool overlap(const factor_view& m, const factor_view& n) {
  const auto end_of = [](const factor_view& v) {
    return static_cast<const std::byte*>(v.data) +
           static_cast<std::size_t>((v.rows - 1) * v.row_stride + v.cols) * size_of(v.type);
  };
  if (m.rows == 0 || m.cols == 0 || n.rows == 0 || n.cols == 0) return false;
  const std::less<const void*> before;
  return before(m.data, end_of(n)) && before(n.data, end_of(m));
}

inline void check_adapter(const std::string& name, const low_rank& adapter, const factor_view& w) {
  const factor_view &b = adapter.b(), &a = adapter.a();
  check_matrix(name + "'s B", b);
  check_matrix(name + "'s A", a);
  if (b.cols != a.rows)
    refuse(name + "'s factors disagree on the rank: B is " + shape_text(b.rows, b.cols) +
           ", A is " + shape_text(a.rows, a.cols));
  if (b.rows != w.rows || a.cols != w.cols)
    refuse(name + " is for a " + shape_text(b.rows, a.cols) + " weight, W is " +
           shape_text(w.rows, w.cols));
  if (is_not_finite<float>(as_words(adapter.strength())))
    refuse(name + "'s strength is not a finite number");
  if (overlap(w, b)) refuse("W overlaps " + name + "'s B in memory");
  if (overlap(w, a)) refuse("W overlaps " + name + "'s A in memory");
}

inline void check(const factor_view& w, adapter_list adapters) {
  check_matrix("W", w);
  for (std::size_t i = 0; i < adapters.size(); ++i)
    check_adapter("adapter " + std::to_string(i), adapters[i], w);
}

/// Whether a record was made for weights of this type and shape and for these adapters.
inline void check_record(const factor_view& w, adapter_list adapters, const undo_record& record) {
  if (record.empty()) refuse_record("the undo record is empty: no merge has filled it");
  if (record.type() != w.type)
    refuse_record(std::string("the undo record is for ") + name_of(record.type()) +
                  " weights, W is " + name_of(w.type));
  if (record.rows() != w.rows || record.cols() != w.cols)
    refuse_record("the undo record is for " + shape_text(record.rows(), record.cols()) +
                  " weights, W is " + shape_text(w.rows, w.cols));
  const auto known = record.fingerprints();
  if (known.size() != adapters.size())
    refuse_record("the undo record is for " + std::to_string(known.size()) + " adapters, not " +
                  std::to_string(adapters.size()));
  std::vector<std::uint64_t> given;
  for (const low_rank& adapter : adapters) given.push_back(fingerprint(adapter));
  if (std::equal(known.begin(), known.end(), given.begin())) return;
  if (std::is_permutation(known.begin(), known.end(), given.begin()))
    refuse_record("the adapters were merged in another order");
  const auto differs = std::mismatch(known.begin(), known.end(), given.begin()).first;
  refuse_record("adapter " + std::to_string(differs - known.begin()) +
                " is not the one that was merged: its factors, type, rank or strength differ");
}

}  // namespace revlora::inline v0::detail
