// Millions of pairs (x, D) of every kind that is hard to undo, each with its own D.
#include "correlated.hpp"
#include "round_trip.hpp"

namespace tests {
namespace {

template <class W>
class Correlated : public testing::Test {};
TYPED_TEST_SUITE(Correlated, weight_types, weight_name);

TYPED_TEST(Correlated, PanelsHaveTheDeltaTheyWereGiven) {
  engine random(1);
  const auto panel = draw_panel<TypeParam>(random, 10, 64);
  const oracle::deltas deltas(panel.adapter.view());
  for (std::ptrdiff_t i = 0; i < 16; ++i) {
    const std::vector<float> row = deltas.row(i, 64);
    for (std::ptrdiff_t j = 0; j < 64; ++j) {
      ASSERT_EQ(row[static_cast<std::size_t>(j)], panel.adapter.a(i, j));
    }
  }
}

TYPED_TEST(Correlated, WeightsComeBack) {
  for (int correlation = 0; correlation < correlations; ++correlation) {
    engine random(static_cast<std::uint64_t>(correlation) + 2);
    const int panels = slow_fma ? 1 : sizeof(TypeParam) == 4 ? 12 : 4;
    for (int i = 0; i < panels; ++i) {
      const auto panel = draw_panel<TypeParam>(random, correlation, slow_fma ? 1000 : 20000);
      ASSERT_TRUE(round_trips(panel.weights, panel.adapter.view(), i == 0))
          << correlation_names[correlation] << ", panel " << i;
    }
  }
}

}  // namespace
}  // namespace tests
