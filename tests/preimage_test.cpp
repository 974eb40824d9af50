// The candidates of a code are all weights that lead to a merged one, and no others: counted from
// the definition.
#include "revlora/detail/kernels/maps/preimage.hpp"
#include "correlated.hpp"
#include "information_bound.hpp"
#include "paths.hpp"
#include "revlora/detail/kernels/maps/round_sum.hpp"

namespace tests {
namespace {

template <class W>
class Preimage : public testing::Test {};
TYPED_TEST_SUITE(Preimage, weight_types, weight_name);

/// `x` is finite or infinite, `d` and the sum are not NaN.
template <class T>
testing::AssertionResult has_exact_candidates(T x, float d) {
  const T y = oracle::round<T>(oracle::widen(x) + d);
  const auto [lowest, count] = revlora::detail::round_sum<T>::candidates(oracle::bits_of(y), d);
  const auto leads_to_y = [&](std::int64_t order) {
    const float sum = oracle::widen(oracle::from_order<T>(order)) + d;
    return oracle::bits_of(oracle::round<T>(sum)) == oracle::bits_of(y);
  };
  const std::int64_t below = oracle::steps_that_hold<T>(oracle::order_of(x), -1, leads_to_y);
  std::int64_t first = oracle::order_of(x) - below, size = oracle::preimage_size(x, d);
  // Under D = ±0 either zero may lead to one zero only; both are candidates.
  if (d == 0 && oracle::value_of(y) == 0) {
    first = -1;
    size = 2;
  }
  if (static_cast<std::int32_t>(lowest) == first && count == size)
    return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << std::hexfloat << "x = " << oracle::widen(x) << ", D = " << d << ": " << std::dec
         << count << " from " << static_cast<std::int32_t>(lowest) << ", not " << size << " from "
         << first;
}

TYPED_TEST(Preimage, IsExactForCorrelatedPairs) {
  engine random(1);
  for (int correlation = 0; correlation < correlations; ++correlation) {
    for (int i = 0; i < 100000; ++i) {
      const auto [x, d] = draw_correlated<TypeParam>(random, correlation);
      ASSERT_TRUE(has_exact_candidates(oracle::round<TypeParam>(x), d))
          << correlation_names[correlation];
    }
  }
}

/// The quick formulas, on as many weights as a vector has; counts those that they leave to others.
template <class W>
int disagreement(const std::vector<std::uint32_t>& merged, const std::vector<float>& deltas,
                 int& left_out) {
  namespace detail = revlora::detail;
  using arch = xsimd::default_arch;
  const auto found = detail::round_sum<W>::template candidates<arch>(
      detail::words<arch>::load_unaligned(merged.data()),
      detail::floats<arch>::load_unaligned(deltas.data()));
  const std::uint64_t doubts = detail::to_integer<arch>(found.is_in_doubt);
  std::uint32_t lowest_of[detail::lanes<arch>], count_of[detail::lanes<arch>];
  found.lowest.store_unaligned(lowest_of);
  found.count.store_unaligned(count_of);
  int different = 0;
  for (std::size_t i = 0; i < merged.size(); ++i) {
    if ((doubts >> i & 1) != 0) {
      ++left_out;
      continue;
    }
    const auto exact = detail::round_sum<W>::candidates(merged[i], deltas[i]);
    different += exact.lowest != lowest_of[i] || exact.count != count_of[i];
  }
  return different;
}

template <class W>
class NearPreimage : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_it) GTEST_SKIP() << "this binary is for processors that do not convert fp16";
  }
  static constexpr bool has_it =
      std::same_as<W, revlora::bf16> || revlora::detail::converts_f16<xsimd::default_arch>;
};
using near_types = testing::Types<revlora::bf16, revlora::f16>;
TYPED_TEST_SUITE(NearPreimage, near_types, weight_name);

/// Every merged weight, under deltas of many kinds.
TYPED_TEST(NearPreimage, IsExactWhereItDoesNotRaiseItsHand) {
  constexpr std::uint32_t lanes = revlora::detail::lanes<xsimd::default_arch>;
  engine random(1);
  int left_out = 0;
  for (int round = 0; round < 400; ++round) {
    const int kind_of_delta = round % 4;
    for (std::uint32_t first = 0; first < 0x10000; first += lanes) {
      std::vector<std::uint32_t> merged(lanes);
      std::vector<float> deltas(lanes);
      for (std::uint32_t i = 0; i < lanes; ++i) {
        merged[i] = first + i;
        const float y = oracle::widen(TypeParam::from_bits(static_cast<std::uint16_t>(merged[i])));
        const auto noise = static_cast<std::uint32_t>(random());
        if (kind_of_delta == 0)  // anything
          deltas[i] = std::bit_cast<float>(noise);
        else if (kind_of_delta == 1)  // of like size: what merges are made of
          deltas[i] = y * (static_cast<float>(noise % 4001) - 2000) / 1000;
        else if (kind_of_delta == 2)  // next to y, so that little is left
          deltas[i] =
              std::bit_cast<float>(std::bit_cast<std::uint32_t>(y) + noise % 0x20000 - 0x10000);
        else  // coarse: ties and exact hits
          deltas[i] = std::bit_cast<float>(noise & 0xfff00000);
      }
      if constexpr (TestFixture::has_it) {
        ASSERT_EQ(disagreement<TypeParam>(merged, deltas, left_out), 0) << round << ", " << first;
      }
    }
  }
}

TYPED_TEST(NearPreimage, LeavesHardlyAnythingOutOfRealMerges) {
  constexpr std::uint32_t lanes = revlora::detail::lanes<xsimd::default_arch>;
  engine random(1);
  std::normal_distribution<float> weight(0, 0.02f), delta(0, 0.002f);
  int left_out = 0;
  for (int i = 0; i < 10000; ++i) {
    std::vector<std::uint32_t> merged(lanes);
    std::vector<float> deltas(lanes);
    for (std::uint32_t n = 0; n < lanes; ++n) {
      deltas[n] = delta(random);
      const auto x = oracle::round<TypeParam>(weight(random));
      merged[n] = oracle::round<TypeParam>(oracle::widen(x) + deltas[n]).bits;
    }
    if constexpr (TestFixture::has_it) {
      ASSERT_EQ(disagreement<TypeParam>(merged, deltas, left_out), 0);
    }
  }
  EXPECT_LT(left_out, 10000 * static_cast<int>(lanes) / 100);
}

}  // namespace
}  // namespace tests
