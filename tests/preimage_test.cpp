// The candidates of a code are all weights that lead to a merged one, and no others: counted from
// the definition.
#include "correlated.hpp"
#include "information_bound.hpp"
#include "paths.hpp"

namespace tests {
namespace {

template <class W>
class Preimage : public testing::Test {};
TYPED_TEST_SUITE(Preimage, weight_types, weight_name);

/// `x` is finite or infinite, `d` and the sum are not NaN.
template <class T>
testing::AssertionResult has_exact_candidates(T x, float d) {
  const T y = oracle::round<T>(oracle::widen(x) + d);
  const auto [lowest, count] = revlora::detail::preimage_of<T>(oracle::bits_of(y), d);
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

}  // namespace
}  // namespace tests
