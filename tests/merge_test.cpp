// merge(): every bit of W equal to the oracle's, on every path, for every mix of types.
#include "executors.hpp"
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

template <class C>
class Merge : public path_test<C> {};
TYPED_TEST_SUITE(Merge, weights_by_factors, combination_name);

/// Merges into a copy of `w` by library and oracle: equal bits, canaries included, and equal
/// counts.
template <class C, class W = typename C::W>
testing::AssertionResult merges_exactly(const matrix<W>& w, revlora::adapter_list adapters) {
  matrix<W> expected = w, got = w;
  const revlora::merge_report expected_report = oracle::merge(expected.view(), adapters);
  const revlora::merge_report report = C::on().merge(got.view(), adapters, on_this_thread());
  testing::AssertionResult result = same_bits(expected, got);
  if (result) result = same_report(expected_report, report);
  return result;
}

TYPED_TEST(Merge, EqualsTheOracleForEveryShape) {
  engine random(1);
  std::ptrdiff_t rank = 0;
  for (const std::ptrdiff_t rows : {0, 1, 15, 16, 17, 63, 64, 65, 100}) {
    for (const std::ptrdiff_t cols : {0, 1, 15, 16, 17, 63, 64, 65, 100}) {
      rank = (rank + 7) % (slow_fma ? 20 : 70);
      const auto w = random_matrix<typename TypeParam::W>(random, rows, cols, kind::normal, 0.02f);
      const auto adapter =
          random_factors<typename TypeParam::F>(random, rows, cols, rank, kind::normal, 0.1f, 0.3f);
      ASSERT_TRUE(merges_exactly<TypeParam>(w, adapter.view()))
          << rows << " x " << cols << ", rank " << rank;
    }
  }
}

TYPED_TEST(Merge, EqualsTheOracleForEveryRankUpTo130) {
  engine random(2);
  for (std::ptrdiff_t rank = 0; rank <= 130; ++rank) {
    const std::ptrdiff_t rows = slow_fma ? 3 : 17, cols = slow_fma ? 19 : 65;
    const auto w = random_matrix<typename TypeParam::W>(random, rows, cols, kind::normal, 0.5f);
    const auto adapter =
        random_factors<typename TypeParam::F>(random, rows, cols, rank, kind::normal, 1.0f, -0.11f);
    ASSERT_TRUE(merges_exactly<TypeParam>(w, adapter.view())) << "rank " << rank;
  }
}

TYPED_TEST(Merge, EqualsTheOracleForLargerMatrices) {
  engine random(3);
  for (const auto& [rows, cols, rank] : {std::tuple{130, 257, 16}, {33, 1000, 8}, {515, 67, 33}}) {
    const auto w = random_matrix<typename TypeParam::W>(random, rows, cols, kind::normal, 0.02f);
    const auto adapter =
        random_factors<typename TypeParam::F>(random, rows, cols, rank, kind::normal, 0.2f, 0.01f);
    ASSERT_TRUE(merges_exactly<TypeParam>(w, adapter.view())) << rows << " x " << cols;
  }
}

TYPED_TEST(Merge, AddsUpListsOfMixedFactorTypesInOrder) {
  engine random(4);
  for (const std::ptrdiff_t rank : {1, 31, 32, 63}) {
    const mixed_factors<typename TypeParam::F> adapters(random, 18, 70, rank, kind::normal, 1,
                                                        0.1f);
    const auto w = random_matrix<typename TypeParam::W>(random, 18, 70, kind::normal, 1);
    for (std::size_t count = 0; count <= 3; ++count) {
      std::vector<revlora::low_rank> list = adapters.list(count);
      ASSERT_TRUE(merges_exactly<TypeParam>(w, list)) << count << " adapters, rank " << rank;
      std::reverse(list.begin(), list.end());
      ASSERT_TRUE(merges_exactly<TypeParam>(w, list)) << count << " reversed, rank " << rank;
    }
  }
}

TYPED_TEST(Merge, KeepsIeeeRulesForEveryKindOfWeightAndFactor) {
  engine random(5);
  for (const kind weights : all_kinds) {
    for (const kind numbers : all_kinds) {
      for (const std::ptrdiff_t rank : {1, 3, 40}) {
        const auto w = random_matrix<typename TypeParam::W>(random, 19, 67, weights, 0.5f);
        const mixed_factors<typename TypeParam::F> adapters(random, 19, 67, rank, numbers, 0.5f, 1);
        for (const std::size_t count : {1u, 2u}) {
          ASSERT_TRUE(merges_exactly<TypeParam>(w, adapters.list(count)))
              << name_of(weights) << " weights, " << count << " with " << name_of(numbers)
              << " factors, rank " << rank;
        }
      }
    }
  }
}

// One NaN or infinity among ordinary factors: it must reach its own row or column and no other.
TYPED_TEST(Merge, ConfinesNanAndInfinityToTheirRowAndColumn) {
  using F = typename TypeParam::F;
  engine random(6);
  const auto w = random_matrix<typename TypeParam::W>(random, 20, 80, kind::normal, 0.1f);
  for (const std::uint32_t special : {oracle::infinity_bits<F>, oracle::infinity_bits<F> + 1}) {
    auto adapter = random_factors<F>(random, 20, 80, 5, kind::normal, 0.1f, 1.0f);
    adapter.b(17, 3) = oracle::from_bits<F>(special);
    ASSERT_TRUE(merges_exactly<TypeParam>(w, adapter.view())) << "in B, 0x" << std::hex << special;
    adapter.b(17, 3) = F{};
    adapter.a(4, 66) = oracle::from_bits<F>(special);
    ASSERT_TRUE(merges_exactly<TypeParam>(w, adapter.view())) << "in A, 0x" << std::hex << special;
  }
}

TYPED_TEST(Merge, AcceptsEveryFiniteStrength) {
  engine random(7);
  for (const float strength : {0.0f, -0.0f, 1.0f, -0.7f, 0x1p-149f, -0x1p-130f, 1e-30f, 1e30f,
                               std::numeric_limits<float>::max()}) {
    for (const kind numbers : {kind::normal, kind::coarse, kind::subnormal, kind::zeros}) {
      const auto w = random_matrix<typename TypeParam::W>(random, 17, 66, kind::wild, 0.02f);
      mixed_factors<typename TypeParam::F> adapters(random, 17, 66, 9, numbers, 0.3f, 1);
      adapters.first.strength = strength;
      ASSERT_TRUE(merges_exactly<TypeParam>(w, adapters.first.view())) << "strength " << strength;
      adapters.third.strength = strength;
      ASSERT_TRUE(merges_exactly<TypeParam>(w, adapters.list())) << "strength " << strength;
    }
  }
}

// Factors so small that products and partial sums underflow: nothing may be flushed.
TYPED_TEST(Merge, KeepsSubnormalProductsAndSums) {
  using F = typename TypeParam::F;
  engine random(8);
  for (const int exponent :
       {-20, -24, -44, -48, -50, -52, -54, -56, -60, -63, -70, -74, -80, -100}) {
    const float scale = std::ldexp(1.0f, exponent);
    const auto adapter = random_factors<F>(random, 17, 40, 37, kind::normal, scale, 0.9f);
    const auto w = random_matrix<typename TypeParam::W>(random, 17, 40, kind::subnormal, 1);
    ASSERT_TRUE(merges_exactly<TypeParam>(w, adapter.view())) << "factors around 2^" << exponent;
  }
}

TYPED_TEST(Merge, LeavesEveryBitAloneForAnEmptyList) {
  engine random(9);
  const auto w = random_matrix<typename TypeParam::W>(random, 33, 70, kind::any_bits, 1);
  matrix<typename TypeParam::W> got = w;
  EXPECT_EQ(TypeParam::on().merge(got.view(), {}, on_this_thread()), revlora::merge_report());
  ASSERT_TRUE(same_bits(w, got));
}

TYPED_TEST(Merge, StillAddsAtStrengthZeroAndRankZero) {
  using W = typename TypeParam::W;
  engine random(10);
  const auto w = random_matrix<W>(random, 17, 65, kind::any_bits, 1);
  matrix<W> minus_zero(17, 65), plus_zero(17, 65);
  minus_zero.fill([](auto, auto) { return oracle::from_bits<W>(oracle::sign_bit<W>); });
  plus_zero.fill([](auto, auto) { return W{}; });
  for (const std::ptrdiff_t rank : {0, 4}) {
    const auto adapter =
        random_factors<typename TypeParam::F>(random, 17, 65, rank, kind::normal, 1, 0.0f);
    ASSERT_TRUE(merges_exactly<TypeParam>(w, adapter.view())) << "rank " << rank;
    matrix<W> got = minus_zero;
    EXPECT_EQ(TypeParam::on().merge(got.view(), adapter.view(), on_this_thread()).became_not_finite,
              0);
    ASSERT_TRUE(same_bits(plus_zero, got)) << "rank " << rank;
  }
}

TYPED_TEST(Merge, CountsWeightsThatStopBeingFinite) {
  using W = typename TypeParam::W;
  matrix<W> w(3, 50);
  w.fill([](auto i, auto j) {  // one row already infinite, the others 0, 1, 2, …
    return i == 1 ? oracle::from_bits<W>(oracle::infinity_bits<W>)
                  : oracle::round<W>(static_cast<float>(j));
  });
  const float infinity = std::numeric_limits<float>::infinity();
  const auto adapter = adapter_of_rows({1.0f, -infinity, infinity}, 50);
  const revlora::low_rank view = adapter.view();
  EXPECT_EQ(TypeParam::on()
                .merge(w.view(), {view, revlora::recipe::nan}, on_this_thread())
                .became_not_finite,
            50);  // row 2; row 1 was not
  EXPECT_EQ(oracle::bits_of(w(1, 7)), oracle::format<W>::canonical_nan);
  EXPECT_EQ(oracle::bits_of(w(2, 7)), oracle::infinity_bits<W>);
}

// Rows far apart, rows that touch, data at odd addresses: the same bits.
TYPED_TEST(Merge, DoesNotDependOnStridesAndAlignment) {
  using W = typename TypeParam::W;
  engine random(11);
  const auto b = random_matrix<typename TypeParam::F>(random, 18, 35, kind::normal, 1, 0);
  const auto a = random_matrix<typename TypeParam::F>(random, 35, 75, kind::normal, 1, 0);
  const auto base = random_matrix<W>(random, 18, 75, kind::normal, 1, 0);
  const auto moved = [](const auto& m, std::ptrdiff_t gap, std::ptrdiff_t lead) {
    auto copy = std::decay_t<decltype(m)>(m.rows(), m.cols(), gap, lead);
    copy.fill([&](auto i, auto j) { return m(i, j); });
    return copy;
  };
  for (std::ptrdiff_t lead = 0; lead < 17; ++lead) {
    for (const std::ptrdiff_t gap : {0, 1, 16, 53}) {
      const factors<typename TypeParam::F> adapter{moved(b, gap, lead), moved(a, gap + 1, lead + 1),
                                                   0.2f};
      ASSERT_TRUE(merges_exactly<TypeParam>(moved(base, gap, lead), adapter.view()))
          << "gap " << gap << ", lead " << lead;
    }
  }
}

}  // namespace
}  // namespace tests
