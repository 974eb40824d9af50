// unmerge() without a record: y − D, rounded. Every bit equal to the oracle's, and close to the
// base.
#include "executors.hpp"
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

template <class C>
class Subtract : public path_test<C> {};
TYPED_TEST_SUITE(Subtract, weights_by_factors, combination_name);

template <class C, class W = typename C::W>
testing::AssertionResult subtracts_exactly(const matrix<W>& w, revlora::adapter_list adapters) {
  matrix<W> expected = w, got = w;
  const revlora::merge_report expected_report = oracle::subtract(expected.view(), adapters);
  const revlora::merge_report report = C::on().subtract(got.view(), adapters, on_this_thread());
  testing::AssertionResult result = same_bits(expected, got);
  if (result) result = same_report(expected_report, report);
  return result;
}

TYPED_TEST(Subtract, EqualsTheOracleForEveryKindOfNumber) {
  engine random(1);
  for (const kind weights : all_kinds) {
    for (const kind numbers : all_kinds) {
      const auto w = random_matrix<typename TypeParam::W>(random, 19, 67, weights, 0.5f);
      const mixed_factors<typename TypeParam::F> adapters(random, 19, 67, 35, numbers, 0.5f, 1);
      for (std::size_t count = 0; count <= 3; ++count) {
        ASSERT_TRUE(subtracts_exactly<TypeParam>(w, adapters.list(count)))
            << name_of(weights) << " weights, " << count << " with " << name_of(numbers)
            << " factors";
      }
    }
  }
}

TYPED_TEST(Subtract, EqualsTheOracleAroundTheEdgesOfBlocks) {
  engine random(2);
  for (const std::ptrdiff_t rows : {0, 1, 16, 17}) {
    for (const std::ptrdiff_t cols : {0, 1, 63, 64, 65}) {
      const auto w = random_matrix<typename TypeParam::W>(random, rows, cols, kind::normal, 1);
      const auto adapter =
          random_factors<typename TypeParam::F>(random, rows, cols, 33, kind::normal, 1, 0.1f);
      ASSERT_TRUE(subtracts_exactly<TypeParam>(w, adapter.view())) << rows << " x " << cols;
    }
  }
}

// x − D = −0 is what tells a subtraction from the addition of −D with D = +0.
TYPED_TEST(Subtract, KeepsMinusZeroWhenDeltaIsZero) {
  using W = typename TypeParam::W;
  matrix<W> w(2, 3);
  w.fill([](auto, auto) { return oracle::from_bits<W>(oracle::sign_bit<W>); });
  ASSERT_TRUE(subtracts_exactly<TypeParam>(w, adapter_of_rows({0.0f, 0.0f}, 3).view()));
  EXPECT_EQ(oracle::bits_of(w(0, 0)), oracle::sign_bit<W>);
}

// Merging and subtracting rounds four times: to fp32 and to T, there and back. Each costs at most
// half a unit in the last place of what it produces.
TYPED_TEST(Subtract, ComesBackWithinItsErrorBound) {
  using W = typename TypeParam::W;
  engine random(3);
  for (const float strength : {0.001f, 0.03f, 1.0f, 30.0f}) {
    const auto base = random_matrix<W>(random, 64, 130, kind::normal, 0.5f);
    const auto adapter =
        random_factors<typename TypeParam::F>(random, 64, 130, 8, kind::normal, 0.5f, strength);
    matrix<W> merged = base;
    TypeParam::on().merge(merged.view(), adapter.view(), on_this_thread());
    matrix<W> back = merged;
    TypeParam::on().subtract(back.view(), adapter.view(), on_this_thread());
    const oracle::deltas deltas(adapter.view());
    for (std::ptrdiff_t i = 0; i < base.rows(); ++i) {
      const std::vector<float> row = deltas.row(i, base.cols());
      for (std::ptrdiff_t j = 0; j < base.cols(); ++j) {
        const double x = oracle::value_of(base(i, j)), y = oracle::value_of(merged(i, j));
        const double again = oracle::value_of(back(i, j));
        const double d = row[static_cast<std::size_t>(j)];
        double bound = (oracle::ulp<W>(y) + oracle::ulp<W>(again)) / 2;
        if (sizeof(W) == 2) bound += (oracle::ulp<float>(x + d) + oracle::ulp<float>(y - d)) / 2;
        ASSERT_LE(std::fabs(again - x), bound)
            << "element (" << i << ", " << j << "): " << x << " came back as " << again;
      }
    }
  }
}

}  // namespace
}  // namespace tests
