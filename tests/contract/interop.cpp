// Types and layouts of other libraries, and slices: the bits are those of revlora's own views.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "check.hpp"
#include "grid.hpp"
#include "sections.hpp"

namespace contract {
namespace {

using revlora::low_rank;
using revlora::matrix_view;
using revlora::undo_record;

/// Two bytes that are no number to C++.
struct bytes_of_half {
  alignas(2) unsigned char low;
  unsigned char high;
};

}  // namespace
}  // namespace contract
template <>
struct revlora::element_traits<contract::bytes_of_half>
    : revlora::stored_as<revlora::element_type::fp16> {};

namespace contract {
namespace {

/// The same elements, column by column.
template <class T>
std::vector<T> turned(const grid<T>& m) {
  const auto view = m.view();
  std::vector<T> elements;
  for (std::ptrdiff_t j = 0; j < view.cols; ++j)
    for (std::ptrdiff_t i = 0; i < view.rows; ++i)
      elements.push_back(view.data[i * view.row_stride + j]);
  return elements;
}

/// Factors of type F, weights of type W whose bits are also those of type Other.
template <class W, class F, class Other = W>
void agrees(const std::string& about) {
  constexpr std::ptrdiff_t rows = 35, cols = 140, rank = 37;
  numbers random(1);
  const grid<W> base(random, pattern::any, rows, cols, 3);
  const factors<F> adapter(random, pattern::ordinary, rows, cols, rank, 0.0625f);
  grid<W> expected = base;
  undo_record record;
  revlora::merge(expected.view(), adapter.view(), record);

  const auto b = turned(adapter.b), a = turned(adapter.a);
  const low_rank columns_first(matrix_view(b.data(), rows, rank, 1, rows),
                               matrix_view(a.data(), rank, cols, 1, rank), 0.0625f);
  grid<W> w = base;
  undo_record other_record;
  const auto plain = w.view();
  const matrix_view<Other> view(reinterpret_cast<Other*>(plain.data), rows, cols, plain.row_stride);
  revlora::merge(view, columns_first, other_record);
  CHECK_SAME_BYTES(expected.bytes(), w.bytes(), about + ", column-major factors");
  CHECK_SAME_BYTES(record.bytes(), other_record.bytes(), about + ", column-major factors");
  revlora::unmerge(view, columns_first, record);
  CHECK_SAME_BYTES(base.bytes(), w.bytes(), about + ", unmerged");

  for (const std::ptrdiff_t first : {0, 17}) {
    const std::ptrdiff_t count = first == 0 ? 17 : rows - 17;
    revlora::merge(view.row_slice(first, count), columns_first.row_slice(first, count));
  }
  CHECK_SAME_BYTES(expected.bytes(), w.bytes(), about + ", shards of rows");
  w = base;
  const auto again = w.view();
  for (const std::ptrdiff_t first : {0, 65}) {
    const std::ptrdiff_t count = first == 0 ? 65 : cols - 65;
    revlora::merge(again.column_slice(first, count), adapter.view().column_slice(first, count));
  }
  CHECK_SAME_BYTES(expected.bytes(), w.bytes(), about + ", shards of columns");

  auto by_columns = turned(base);
  const matrix_view transposed(by_columns, cols, rows);
  revlora::merge(transposed, adapter.view().transposed());
  const auto expected_by_columns = turned(expected);
  CHECK_SAME_BYTES(std::as_bytes(std::span(expected_by_columns)),
                   std::as_bytes(std::span(by_columns)), about + ", column-major weights");
}

}  // namespace

void interop() {
  agrees<float, float>("fp32");
  agrees<revlora::f16, revlora::bf16>("fp16");
  agrees<revlora::bf16, revlora::bf16>("bf16");
  agrees<revlora::f16, float, bytes_of_half>("a type of the user's");
#ifdef REVLORA_HAS_FLOAT16
  agrees<revlora::f16, revlora::f16, _Float16>("_Float16");
#endif
#ifdef REVLORA_HAS_BFLOAT16
  agrees<revlora::bf16, float, __bf16>("__bf16");
#endif
}

}  // namespace contract
