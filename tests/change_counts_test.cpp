// Every verb reports the weights whose bits it changed, and those that are not finite any more.
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

template <class W>
class ChangeCounts : public testing::Test {};
TYPED_TEST_SUITE(ChangeCounts, weight_types, weight_name);

/// Of a verb that found `before` and left `after`.
template <class T>
revlora::merge_report difference(const matrix<T>& base, const matrix<T>& before,
                                 const matrix<T>& after) {
  revlora::merge_report report;
  for (std::ptrdiff_t i = 0; i < base.rows(); ++i)
    for (std::ptrdiff_t j = 0; j < base.cols(); ++j) {
      report.changed += oracle::bits_of(before(i, j)) != oracle::bits_of(after(i, j));
      report.became_not_finite += oracle::is_finite(base(i, j)) && !oracle::is_finite(after(i, j));
    }
  return report;
}

TYPED_TEST(ChangeCounts, AreThoseOfTheWeights) {
  using W = TypeParam;
  engine random(1);
  for (const kind stored : all_kinds)
    for (const kind numbers : all_kinds) {
      // Partial blocks; 61 columns, so that padding is a part of a vector.
      const matrix<W> base = random_matrix<W>(random, 35, 189, stored, 0.5f);
      const auto first = random_factors<float>(random, 35, 189, 3, numbers, 0.5f, 0.7f);
      const auto second = random_factors<float>(random, 35, 189, 2, numbers, 0.01f, 0.7f);
      for (const path<W>& p : paths<W>()) {
        const runner on = on_this_thread();
        matrix<W> w = base;
        auto report = p.merge(w.view(), first.view(), on);
        ASSERT_TRUE(same_report(difference(base, base, w), report)) << p.name << ", merged";
        w = base;
        report = p.subtract(w.view(), first.view(), on);
        ASSERT_TRUE(same_report(difference(base, base, w), report)) << p.name << ", subtracted";

        w = base;
        revlora::undo_record record;
        report = p.merge_recorded(w.view(), first.view(), record, on);
        ASSERT_TRUE(same_report(difference(base, base, w), report)) << p.name << ", recorded";
        const matrix<W> merged = w;
        report = p.swap(w.view(), first.view(), second.view(), record, on);
        ASSERT_TRUE(same_report(difference(base, merged, w), report)) << p.name << ", swapped";
        const matrix<W> swapped = w;
        report = p.swap(w.view(), second.view(), {}, record, on);
        ASSERT_TRUE(same_report(difference(base, swapped, w), report)) << p.name << ", emptied";
        ASSERT_TRUE(same_bits(base, w)) << p.name;
      }
    }
}

}  // namespace
}  // namespace tests
