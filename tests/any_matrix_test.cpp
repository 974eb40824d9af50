// Weights and factors whose type is known at run time: the same bits as typed views, in place and
// elsewhere, whole, sliced and transposed.
#include "paths.hpp"
#include "refusal.hpp"
#include "values.hpp"

namespace tests {
namespace {

using revlora::any_const_matrix;
using revlora::any_matrix;
using revlora::low_rank;
using revlora::undo_record;

template <class W>
class AnyMatrix : public testing::Test {
 protected:
  static constexpr std::ptrdiff_t rows = 35, cols = 140;

  any_matrix any(matrix<W>& m) { return m.view(); }

  engine random{1};
  const matrix<W> base = random_matrix<W>(random, rows, cols, kind::normal, 0.02f);
  const factors<revlora::bf16> adapter =
      random_factors<revlora::bf16>(random, rows, cols, 3, kind::normal, 0.1f, 0.5f);
};
TYPED_TEST_SUITE(AnyMatrix, weight_types, weight_name);

TYPED_TEST(AnyMatrix, IsMergedAndUnmergedAsATypedView) {
  const low_rank update = this->adapter.view();
  matrix<TypeParam> typed = this->base, w = this->base;
  undo_record typed_record, record;
  const auto expected = revlora::merge(typed.view(), update, typed_record);
  EXPECT_EQ(revlora::merge(this->any(w), update, record), expected);
  ASSERT_TRUE(same_bits(typed, w));
  ASSERT_TRUE(same_bytes(typed_record.bytes(), record.bytes()));
  EXPECT_EQ(revlora::state_of(this->any(w), record), revlora::weights_state::merged);
  EXPECT_TRUE(revlora::validate(any_const_matrix(this->any(w)), update, record));

  matrix<TypeParam> to = this->base;
  EXPECT_EQ(revlora::merge(any_const_matrix(this->base.view()), this->any(to), update), expected);
  ASSERT_TRUE(same_bits(typed, to));
  EXPECT_EQ(revlora::merge(this->base.view(), this->any(to), update, record), expected);
  ASSERT_TRUE(same_bits(typed, to));
  revlora::unmerge(this->any(w), update, record);
  ASSERT_TRUE(same_bits(this->base, w));

  matrix<TypeParam> subtracted = this->base;
  EXPECT_EQ(revlora::subtract(subtracted.view(), update), revlora::subtract(this->any(w), update));
  ASSERT_TRUE(same_bits(subtracted, w));
}

TYPED_TEST(AnyMatrix, IsSlicedAndTransposedAsATypedView) {
  const low_rank update = this->adapter.view();
  matrix<TypeParam> typed = this->base, w = this->base;
  revlora::merge(typed.view().row_slice(3, 20).column_slice(5, 70),
                 update.row_slice(3, 20).column_slice(5, 70));
  const revlora::adapter any = update;
  revlora::merge(this->any(w).row_slice(3, 20).column_slice(5, 70),
                 any.row_slice(3, 20).column_slice(5, 70));
  ASSERT_TRUE(same_bits(typed, w));

  std::vector<TypeParam> columns_first(35 * 140);
  for (std::ptrdiff_t i = 0; i < 35; ++i)
    for (std::ptrdiff_t j = 0; j < 140; ++j)
      columns_first[static_cast<std::size_t>(j * 35 + i)] = this->base(i, j);
  const any_matrix turned(columns_first.data(), revlora::element_type_of<TypeParam>, 35, 140, 1,
                          35);
  revlora::merge(turned.transposed(), any.transposed());
  matrix<TypeParam> merged = this->base;
  revlora::merge(merged.view(), update);
  for (std::ptrdiff_t i = 0; i < 35; ++i)
    for (std::ptrdiff_t j = 0; j < 140; ++j)
      ASSERT_EQ(oracle::bits_of(columns_first[static_cast<std::size_t>(j * 35 + i)]),
                oracle::bits_of(merged(i, j)));
}

TYPED_TEST(AnyMatrix, MakesAdaptersOfWhatIsKnownAtRunTime) {
  const auto b = this->adapter.b.view(), a = this->adapter.a.view();
  const auto type = revlora::element_type::bf16;
  const low_rank update(any_const_matrix(b.data, type, b.rows, b.cols, b.row_stride),
                        any_const_matrix(a.data, type, a.rows, a.cols, a.row_stride), 0.5);
  EXPECT_EQ(revlora::fingerprint(update), revlora::fingerprint(this->adapter.view()));
}

TEST(AnyMatrix, RefusesWhatTypedViewsCannotBe) {
  std::vector<float> numbers(64);
  std::vector<revlora::bf16> others(64);
  const any_matrix w(numbers.data(), revlora::element_type::fp32, 8, 8);
  const low_rank mixed(revlora::matrix_view(others.data(), 8, 2),
                       revlora::matrix_view(numbers.data(), 2, 8), 1.0f);
  EXPECT_EQ(
      revlora::validate(w, mixed).text(),
      "revlora: adapter 0's A is fp32, its B is bf16: the factors of an adapter have to be of "
      "one type");
  const any_matrix strange(numbers.data(), static_cast<revlora::element_type>(9), 8, 8);
  EXPECT_EQ(revlora::validate(strange, {}).reason(), revlora::refusal::invalid_input);
  const any_matrix shorter(others.data(), revlora::element_type::bf16, 8, 8);
  EXPECT_EQ(revlora::validate(any_const_matrix(w), shorter, {}).text(),
            "revlora: the destination is bf16, the source fp32");
  EXPECT_THROW(w.row_slice(7, 2), revlora::invalid_input);
  EXPECT_THROW(w.column_slice(-1, 2), revlora::invalid_input);
}

TEST(AnyMatrix, KnowsThreeShapesOfScales) {
  std::vector<revlora::e4m3> numbers(130 * 200);
  std::vector<float> scales(200, 0.5f);
  const any_matrix w(numbers.data(), revlora::element_type::e4m3, 130, 200);
  const auto scaled_by = [&](std::ptrdiff_t rows, std::ptrdiff_t cols) {
    return w.scaled_by(revlora::matrix_view(scales.data(), rows, cols));
  };
  for (const auto& [rows, cols] : {std::pair{1, 1}, {130, 1}, {2, 2}})
    EXPECT_TRUE(revlora::validate(scaled_by(rows, cols), {})) << rows << "×" << cols;
  for (const auto& [rows, cols] : {std::pair{1, 200}, {2, 1}, {0, 0}, {3, 2}})
    EXPECT_THROW(scaled_by(rows, cols), revlora::invalid_input) << rows << "×" << cols;
  EXPECT_THROW(scaled_by(2, 2).row_slice(1, 129), revlora::invalid_input);
  EXPECT_TRUE(revlora::validate(scaled_by(2, 2).row_slice(128, 2), {}));
  EXPECT_TRUE(revlora::validate(scaled_by(130, 1).row_slice(1, 129), {}));
  for (const float bad : {0.0f, -1.0f, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    scales[7] = bad;
    EXPECT_EQ(revlora::validate(scaled_by(130, 1), {}).text(),
              "revlora: scale (7, 0) of W is not a positive finite number");
  }
  scales[7] = 0.5f;
  std::vector<revlora::e4m3> others(130 * 200);
  const any_matrix to(others.data(), revlora::element_type::e4m3, 130, 200);
  EXPECT_TRUE(revlora::validate(scaled_by(1, 1), to, {}));
  EXPECT_TRUE(revlora::validate(scaled_by(1, 1),
                                to.scaled_by(revlora::matrix_view(scales.data(), 1, 1)), {}));
  EXPECT_EQ(
      revlora::validate(w, to.scaled_by(revlora::matrix_view(scales.data(), 1, 1)), {}).text(),
      "revlora: the destination has other scales than the source, which it is to keep");
  EXPECT_THROW(low_rank(scaled_by(1, 1), w, 1.0f), revlora::invalid_input);

  std::vector<float> wide(16);
  const any_matrix fp32(wide.data(), revlora::element_type::fp32, 4, 4);
  EXPECT_EQ(revlora::validate(fp32.scaled_by(revlora::matrix_view(scales.data(), 1, 1)), {}).text(),
            "revlora: W is fp32 and scaled: only weights of 8 bits are");
}

}  // namespace
}  // namespace tests
