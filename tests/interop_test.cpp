// Other libraries' types, layouts and slices: the bits are those of revlora's own views.
#include <array>
#include <cstring>
#include <span>
#if __has_include(<Eigen/Core>)
#include <Eigen/Core>
#endif
#if __has_include(<mdspan>)
#include <mdspan>
#endif
#if __has_include(<stdfloat>)
#include <stdfloat>
#endif

#include "refusal.hpp"
#include "revlora/revlora.hpp"

namespace other {
/// Two bytes that are no number to C++.
struct half {
  unsigned char low, high;
};
/// A tensor with the interface of a two-dimensional std::mdspan.
template <class T>
struct strided_span {
  T* first;
  std::array<unsigned, 2> extents, strides;

  static constexpr int rank() { return 2; }
  T* data_handle() const { return first; }
  unsigned extent(std::size_t i) const { return extents[i]; }
  unsigned stride(std::size_t i) const { return strides[i]; }
};
}  // namespace other
template <>
struct revlora::element_traits<other::half> : revlora::stored_as<revlora::element_type::fp16> {};

namespace user {
// Names that revlora has too, for itself: a call with a number of revlora's means these.
template <class T>
int bits_of(T) {
  return 1;
}
template <class T>
int widen(T) {
  return 2;
}
inline int call_own(revlora::bf16 number) {
  return bits_of(number) + widen(number);
}
}  // namespace user

namespace tests {
namespace {

using revlora::bf16;
using revlora::element_type;
using revlora::f16;
using revlora::low_rank;
using revlora::matrix_view;
using revlora::undo_record;

static_assert(revlora::element_type_of<other::half> == element_type::fp16);
static_assert(!revlora::element<double> && !revlora::element<std::uint16_t> &&
              !revlora::element<int> && !revlora::element<const float>);

/// W merged with `adapter` by plain views: what every other way in must give.
template <class W>
struct merged_plainly {
  matrix<W> w;
  undo_record record;

  merged_plainly(const matrix<W>& base, revlora::adapter_list adapters) : w(base) {
    revlora::merge(w.view(), adapters, record);
  }
};

template <class T>
std::vector<T> column_major(const matrix<T>& m) {
  std::vector<T> turned;
  for (std::ptrdiff_t j = 0; j < m.cols(); ++j)
    for (std::ptrdiff_t i = 0; i < m.rows(); ++i) turned.push_back(m(i, j));
  return turned;
}

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& numbers) {
  return std::as_bytes(std::span<const T>(numbers));
}

template <class C>
class Layouts : public testing::Test {};
template <class W, class F>
struct types {
  using weight = W;
  using factor = F;
};
using pairs = testing::Types<types<float, float>, types<float, f16>, types<f16, bf16>,
                             types<bf16, bf16>, types<bf16, float>>;
TYPED_TEST_SUITE(Layouts, pairs);

// Ranks around the kernels' steps of 2, 4 and 32, shapes around their blocks.
TYPED_TEST(Layouts, OfFactorsDoNotDecideABit) {
  using W = typename TypeParam::weight;
  using F = typename TypeParam::factor;
  engine random(1);
  for (const std::ptrdiff_t rank : {0, 1, 2, 3, 6, 31, 33, 64, 71}) {
    const auto base = random_matrix<W>(random, 35, 140, kind::wild, 0.1f);
    const auto adapter = random_factors<F>(random, 35, 140, rank, kind::normal, 0.1f, 0.5f);
    const merged_plainly<W> expected(base, adapter.view());
    const auto b = column_major(adapter.b), a = column_major(adapter.a);
    const matrix_view<const F> b_view(b.data(), 35, rank, 1, 35),
        a_view(a.data(), rank, 140, 1, std::max<std::ptrdiff_t>(rank, 1));
    for (const low_rank& turned :
         {low_rank(b_view, adapter.a.view(), 0.5f), low_rank(adapter.b.view(), a_view, 0.5f),
          low_rank(b_view, a_view, 0.5f)}) {
      matrix<W> w = base;
      undo_record record;
      revlora::merge(w.view(), turned, record);
      ASSERT_TRUE(same_bits(expected.w, w)) << "rank " << rank;
      ASSERT_TRUE(same_bytes(expected.record.bytes(), record.bytes())) << "rank " << rank;
      ASSERT_TRUE(revlora::fingerprint(turned) == revlora::fingerprint(adapter.view()));
      revlora::unmerge(w.view(), adapter.view(), record);
      ASSERT_TRUE(same_bits(base, w)) << "rank " << rank;
    }
  }
}

TYPED_TEST(Layouts, OfColumnMajorWeightsAreTheirTranspose) {
  using W = typename TypeParam::weight;
  using F = typename TypeParam::factor;
  engine random(2);
  const auto base = random_matrix<W>(random, 35, 140, kind::wild, 0.1f);
  const auto adapter = random_factors<F>(random, 35, 140, 37, kind::normal, 0.1f, 0.5f);
  const merged_plainly<W> expected(base, adapter.view());
  std::vector<W> w = column_major(base);
  const std::vector<W> before = w;
  const matrix_view<W> view(w.data(), 35, 140, 1, 35);

  const revlora::validation refused = revlora::validate(view, adapter.view());
  EXPECT_EQ(refused.reason(), revlora::refusal::invalid_input);
  EXPECT_NE(refused.text().find("W.transposed()"), std::string::npos) << refused.text();

  undo_record record;
  revlora::merge(view.transposed(), adapter.view().transposed(), record);
  const std::vector<W> turned = column_major(expected.w);
  EXPECT_TRUE(same_bytes(bytes_of(turned), bytes_of(w)));
  revlora::unmerge(view.transposed(), adapter.view().transposed(), record);
  EXPECT_TRUE(same_bytes(bytes_of(before), bytes_of(w)));
}

// A shard merged alone, or q, k and v of a fused weight: the bits of the slice of the whole.
TYPED_TEST(Layouts, OfSlicesAreThoseOfTheWhole) {
  using W = typename TypeParam::weight;
  using F = typename TypeParam::factor;
  engine random(3);
  const auto base = random_matrix<W>(random, 53, 150, kind::wild, 0.1f);
  const auto adapter = random_factors<F>(random, 53, 150, 9, kind::normal, 0.1f, 0.5f);
  const merged_plainly<W> whole(base, adapter.view());
  const low_rank update = adapter.view();

  matrix<W> by_rows = base, by_columns = base;
  std::vector<undo_record> records;
  for (const auto& [first, count] : {std::pair{0, 20}, {20, 1}, {21, 32}, {53, 0}})
    revlora::merge(by_rows.view().row_slice(first, count), update.row_slice(first, count),
                   records.emplace_back());
  EXPECT_TRUE(same_bits(whole.w, by_rows));
  for (const auto& [first, count] : {std::pair{0, 64}, {64, 1}, {65, 80}, {145, 5}, {150, 0}})
    revlora::merge(by_columns.view().column_slice(first, count), update.column_slice(first, count),
                   records.emplace_back());
  EXPECT_TRUE(same_bits(whole.w, by_columns));

  revlora::unmerge(by_rows.view().row_slice(21, 32), update.row_slice(21, 32), records[2]);
  revlora::unmerge(by_columns.view().column_slice(65, 80), update.column_slice(65, 80), records[6]);
  for (std::ptrdiff_t i = 0; i < 53; ++i)
    for (std::ptrdiff_t j = 0; j < 150; ++j) {
      ASSERT_EQ(oracle::bits_of(by_rows(i, j)),
                oracle::bits_of(i < 21 ? whole.w(i, j) : base(i, j)));
      ASSERT_EQ(oracle::bits_of(by_columns(i, j)),
                oracle::bits_of(j < 65 || j >= 145 ? whole.w(i, j) : base(i, j)));
    }
}

TEST(Slices, ReachNotBeyondTheMatrix) {
  matrix<float> m(6, 9);
  const matrix_view<float> view = m.view();
  const factors<float> adapter{matrix<float>(6, 2), matrix<float>(2, 9), 1};
  for (const auto& [first, count] : {std::pair<std::ptrdiff_t, std::ptrdiff_t>{-1, 2},
                                     {0, 10},
                                     {3, -1},
                                     {9, 1},
                                     {1, std::numeric_limits<std::ptrdiff_t>::max()}}) {
    const auto refused = [&](auto slice) {
      return refuses<revlora::invalid_input>(m, "slice", slice);
    };
    EXPECT_FALSE(view.validate_row_slice(first, count));
    EXPECT_FALSE(view.validate_column_slice(first, count));
    EXPECT_TRUE(refused([&, at = first, n = count] { view.row_slice(at, n); }));
    EXPECT_TRUE(refused([&, at = first, n = count] { view.column_slice(at, n); }));
    EXPECT_TRUE(refused([&, at = first, n = count] { adapter.view().row_slice(at, n); }));
    EXPECT_TRUE(refused([&, at = first, n = count] { adapter.view().column_slice(at, n); }));
  }
}

/// Merges by way of `Other`, a type with the bits of `Own`, and back.
template <class Own, class Other>
testing::AssertionResult is_as(const char* name) {
  static_assert(revlora::element_type_of<Other> == revlora::element_type_of<Own>);
  engine random(4);
  const auto base = random_matrix<Own>(random, 35, 140, kind::any_bits, 1, 0);
  const auto adapter = random_factors<Own>(random, 35, 140, 5, kind::normal, 0.1f, 0.5f);
  const merged_plainly<Own> expected(base, adapter.view());
  const auto copy = [](const matrix<Own>& m) {
    std::vector<Other> others(static_cast<std::size_t>(m.rows() * m.stride()));
    std::memcpy(static_cast<void*>(others.data()), m.data(), others.size() * sizeof(Own));
    return others;
  };
  std::vector<Other> w = copy(base), b = copy(adapter.b), a = copy(adapter.a);
  const matrix_view view(w, 35, 140);
  const low_rank update(matrix_view<const Other>(b.data(), 35, 5, adapter.b.stride()),
                        matrix_view<Other>(a.data(), 5, 140, adapter.a.stride()), 0.5f);
  undo_record record;
  const auto equals = [&](const matrix<Own>& m) {
    return std::memcmp(m.data(), static_cast<const void*>(w.data()), w.size() * sizeof(Own)) == 0;
  };
  revlora::merge(view, update, record);
  if (!equals(expected.w)) return testing::AssertionFailure() << name << " merges otherwise";
  if (auto same = same_bytes(expected.record.bytes(), record.bytes()); !same) return same;
  if (revlora::state_of(view, record) != revlora::weights_state::merged)
    return testing::AssertionFailure() << name << ": not seen as merged";
  std::vector<Own> elsewhere(w.size());
  revlora::unmerge(view, matrix_view(elsewhere, 35, 140), update, record);
  revlora::swap(view, update, {}, record);
  if (!equals(base)) return testing::AssertionFailure() << name << " does not come back";
  if (std::memcmp(elsewhere.data(), base.data(), w.size() * sizeof(Own)) != 0)
    return testing::AssertionFailure() << name << " does not come back elsewhere";
  return testing::AssertionSuccess();
}

TEST(AdoptedTypes, OfTheUser) {
  EXPECT_TRUE((is_as<f16, other::half>("other::half")));
}

TEST(AdoptedTypes, OfEigen) {
#if __has_include(<Eigen/Core>)
  EXPECT_TRUE((is_as<f16, Eigen::half>("Eigen::half")));
  EXPECT_TRUE((is_as<bf16, Eigen::bfloat16>("Eigen::bfloat16")));
#else
  GTEST_SKIP() << "Eigen is not installed";
#endif
}

TEST(AdoptedTypes, Float16OfTheCompiler) {
#ifdef REVLORA_HAS_FLOAT16
  EXPECT_TRUE((is_as<f16, _Float16>("_Float16")));
#else
  GTEST_SKIP() << "this compiler has no _Float16 for this target";
#endif
}

TEST(AdoptedTypes, Bfloat16OfTheCompiler) {
#ifdef REVLORA_HAS_BFLOAT16
  EXPECT_TRUE((is_as<bf16, __bf16>("__bf16")));
#else
  GTEST_SKIP() << "this compiler has no __bf16 for this target";
#endif
}

TEST(AdoptedTypes, OfTheStandardLibrary) {
#if defined(__STDCPP_FLOAT16_T__) && defined(__STDCPP_BFLOAT16_T__)
  EXPECT_TRUE((is_as<f16, std::float16_t>("std::float16_t")));
  EXPECT_TRUE((is_as<bf16, std::bfloat16_t>("std::bfloat16_t")));
#else
  GTEST_SKIP() << "this compiler has no <stdfloat>";
#endif
}

TEST(Views, OfContainersAndTheirShape) {
  std::vector<float> numbers(12);
  const std::vector<float>& constant = numbers;
  matrix_view view(numbers, 3, 4);
  static_assert(std::same_as<decltype(view), matrix_view<float>>);
  static_assert(std::same_as<decltype(matrix_view(constant, 3, 4)), matrix_view<const float>>);
  EXPECT_EQ(view.data, numbers.data());
  EXPECT_EQ(view.row_stride, 4);
  EXPECT_EQ(matrix_view(std::span(numbers), 4, 3).row_stride, 3);
  // A container that is gone when the view is used is refused by the compiler.
  static_assert(std::constructible_from<matrix_view<float>, std::vector<float>&, int, int> &&
                !std::constructible_from<matrix_view<float>, std::vector<float>, int, int> &&
                !std::constructible_from<matrix_view<float>, const std::vector<float>&, int, int>);
  const matrix<float> none(1, 1);
  const auto refused = [&](int rows, int cols) {
    return refuses<revlora::invalid_input>(none, "12 elements",
                                           [&] { matrix_view(numbers, rows, cols); });
  };
  EXPECT_TRUE(refused(3, 5));
  EXPECT_TRUE(refused(3, 3));
  EXPECT_TRUE(refused(-3, -4));
  EXPECT_TRUE(refused(1, -12));
}

template <class View>
std::array<std::ptrdiff_t, 4> layout_of(const View& view) {
  return {view.rows, view.cols, view.row_stride, view.col_stride};
}
using layout = std::array<std::ptrdiff_t, 4>;

TEST(Views, OfMdspans) {
  float numbers[24] = {};
  using span = other::strided_span<float>;
  const matrix_view view(span{numbers, {3, 4}, {8, 1}});
  EXPECT_EQ(view.data, numbers);
  EXPECT_EQ(layout_of(view), (layout{3, 4, 8, 1}));
  EXPECT_EQ(layout_of(matrix_view<const float>(span{numbers, {3, 4}, {1, 3}})),
            (layout{3, 4, 1, 3}));
}

TEST(Views, OfTheStandardLibrarysMdspan) {
#ifdef __cpp_lib_mdspan
  float numbers[12] = {};
  using extents = std::extents<int, 3, 4>;
  EXPECT_EQ(layout_of(matrix_view(std::mdspan<float, extents>(numbers))), (layout{3, 4, 4, 1}));
  EXPECT_EQ(layout_of(matrix_view(std::mdspan<float, extents, std::layout_left>(numbers))),
            (layout{3, 4, 1, 3}));
#else
  GTEST_SKIP() << "this standard library has no <mdspan>";
#endif
}

// Column-major libraries give a single row or column a stride that means nothing.
TEST(Views, OfASingleRowOrColumnMayHaveAnyOtherStride) {
  engine random(5);
  for (const auto& [rows, cols] : {std::pair{1, 140}, {35, 1}, {1, 1}}) {
    const auto base = random_matrix<bf16>(random, rows, cols, kind::normal, 0.1f, 0);
    const auto adapter = random_factors<f16>(random, rows, cols, 1, kind::normal, 0.1f, 0.5f);
    const merged_plainly<bf16> expected(base, adapter.view());
    const auto b = column_major(adapter.b), a = column_major(adapter.a);
    matrix<bf16> w = base;
    undo_record record;
    revlora::merge(matrix_view(w.data(), rows, cols, 1, rows),
                   low_rank(matrix_view(b.data(), rows, 1, 1, rows),
                            matrix_view(a.data(), 1, cols, 1, 1.0f), 0.5f),
                   record);
    EXPECT_TRUE(same_bits(expected.w, w));
    EXPECT_TRUE(same_bytes(expected.record.bytes(), record.bytes()));
  }
}

#if __has_include(<Eigen/Core>)
TEST(Views, OfEigenMatricesMapsAndBlocks) {
  using columns_first = Eigen::MatrixXf;
  using rows_first =
      Eigen::Matrix<Eigen::bfloat16, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  columns_first m(5, 7);
  rows_first n(5, 7);
  const rows_first& constant = n;
  EXPECT_EQ(layout_of(matrix_view(m)), (layout{5, 7, 1, 5}));
  EXPECT_EQ(layout_of(matrix_view(n)), (layout{5, 7, 7, 1}));
  static_assert(std::same_as<decltype(matrix_view(n)), matrix_view<Eigen::bfloat16>>);
  static_assert(std::same_as<decltype(matrix_view(constant)), matrix_view<const Eigen::bfloat16>>);
  static_assert(!std::constructible_from<matrix_view<float>, columns_first> &&
                !std::constructible_from<low_rank, columns_first, columns_first&, float>);
  EXPECT_EQ(layout_of(matrix_view(n.block(1, 2, 3, 4))), (layout{3, 4, 7, 1}));
  EXPECT_EQ(layout_of(matrix_view(m.transpose())), (layout{7, 5, 5, 1}));
  float numbers[64] = {};
  using strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  EXPECT_EQ(
      layout_of(matrix_view(Eigen::Map<columns_first, 0, strides>(numbers, 3, 4, strides(12, 2)))),
      (layout{3, 4, 2, 12}));
}
#endif

TEST(Interop, FunctionsOfUsersAreNotTakenOver) {
  EXPECT_EQ(user::call_own(bf16(1.0f)), 3);
}

}  // namespace
}  // namespace tests
