// Memory with strides: how matrices of other libraries tell theirs, how elements are gathered from
// it, and the checks that only the maker of a view can do.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>

#include "namespace.hpp"
#include "refuse.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// std::mdspan of two dimensions, and what has its interface.
template <class M>
concept mdspan_like = requires(const M& m) {
  m.data_handle();
  m.extent(0);
  m.stride(1);
  requires(M::rank() == 2);
};

/// Eigen's matrices, maps and blocks, and what has their interface.
template <class M>
concept eigen_like = requires(const M& m) {
  m.data();
  m.rows();
  m.cols();
  m.rowStride();
  m.colStride();
};

template <class M>
requires mdspan_like<std::remove_cvref_t<M>> || eigen_like<std::remove_cvref_t<M>>
constexpr auto* data_of(M& m) {
  if constexpr (mdspan_like<std::remove_cvref_t<M>>)
    return m.data_handle();
  else
    return m.data();
}

template <class M>
using element_of_strided = std::remove_pointer_t<decltype(data_of(std::declval<M&>()))>;

/// Eigen's matrices that are no maps, blocks or other views.
template <class M>
concept owns_elements = std::same_as<M, typename M::PlainObject>;

/// A matrix of Ts, or of what converts to const T, that tells its shape and strides, and outlives
/// the expression that names it.
template <class M, class T>
concept strided = std::convertible_to<std::add_pointer_t<element_of_strided<M>>, T*> &&
                  (std::is_lvalue_reference_v<M> || !owns_elements<std::remove_cvref_t<M>>);

/// A range of Ts side by side that outlives the expression that names it.
template <class Range, class T>
concept numbers_in = std::ranges::contiguous_range<Range> && std::ranges::borrowed_range<Range> &&
    std::convertible_to<std::add_pointer_t<std::ranges::range_reference_t<Range>>, T*>;

struct strides_of {
  std::ptrdiff_t rows, cols, row_stride, col_stride;

  template <mdspan_like M>
  explicit constexpr strides_of(const M& m)
      : strides_of(m.extent(0), m.extent(1), m.stride(0), m.stride(1)) {}
  template <eigen_like M>
  explicit constexpr strides_of(const M& m)
      : strides_of(m.rows(), m.cols(), m.rowStride(), m.colStride()) {}

 private:
  template <class Extent, class Stride>
  constexpr strides_of(Extent row_count, Extent col_count, Stride of_rows, Stride of_columns)
      : rows(static_cast<std::ptrdiff_t>(row_count)),
        cols(static_cast<std::ptrdiff_t>(col_count)),
        row_stride(static_cast<std::ptrdiff_t>(of_rows)),
        col_stride(static_cast<std::ptrdiff_t>(of_columns)) {}
};

/// Elements that lie `stride` apart, one behind the other.
template <class T>
void gather(const T* from, std::ptrdiff_t stride, std::ptrdiff_t count, T* to) {
  if (stride == 1)
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
  else
    for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = from[i * stride];
}

inline validation check_slice(const char* called, std::ptrdiff_t first, std::ptrdiff_t count,
                              std::ptrdiff_t extent) {
  if (first >= 0 && count >= 0 && count <= extent && first <= extent - count) return {};
  return refused({"a slice of ", count, " ", called, " from ", first,
                  " on reaches beyond the matrix, which has ", extent});
}

inline validation check_count(std::ptrdiff_t elements, std::ptrdiff_t rows, std::ptrdiff_t cols) {
  std::ptrdiff_t wanted = 0;
  if (rows >= 0 && cols >= 0 && !__builtin_mul_overflow(rows, cols, &wanted) && wanted == elements)
    return {};
  return refused({elements, " elements do not make a ", shape{rows, cols}, " matrix"});
}

/// `offset` elements behind the first one, of an empty matrix too, whose data may be null.
template <class T>
constexpr T* behind(T* first, std::ptrdiff_t offset) {
  return first == nullptr ? nullptr : first + offset;
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
