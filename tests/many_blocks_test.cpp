// Panels of more blocks than are coded together, and of more weights that carry bits.
#include "round_trip.hpp"

namespace tests {
namespace {

using revlora::undo_record;

template <class W>
class ManyBlocks : public testing::Test {
 protected:
  static constexpr std::ptrdiff_t rows = 20, cols = 1300;  // a partial panel, a partial block
  static constexpr float ratios[] = {0.01f, 0.1f, 1.0f, 30.0f};

  engine random{1};

  factors<revlora::bf16> draw_adapter(kind numbers, float ratio) {
    return random_factors<revlora::bf16>(random, rows, cols, 4, numbers, 1, ratio * 0.02f / 2);
  }
};
TYPED_TEST_SUITE(ManyBlocks, weight_types, weight_name);

TYPED_TEST(ManyBlocks, ComeBackOnEveryPath) {
  for (const kind weights : all_kinds) {
    const auto base =
        random_matrix<TypeParam>(this->random, this->rows, this->cols, weights, 0.02f);
    for (const float ratio : this->ratios) {
      const auto adapter = this->draw_adapter(kind::normal, ratio);
      ASSERT_TRUE(round_trips(base, adapter.view())) << name_of(weights) << ", ratio " << ratio;
    }
  }
}

TYPED_TEST(ManyBlocks, AreSwappedToWhatAFreshMergeMakes) {
  for (const kind weights : all_kinds) {
    const auto base =
        random_matrix<TypeParam>(this->random, this->rows, this->cols, weights, 0.02f);
    const auto first = this->draw_adapter(kind::normal, 0.1f);
    const auto second = this->draw_adapter(kind::normal, 1);
    for (const path<TypeParam>& p : paths<TypeParam>()) {
      matrix<TypeParam> expected = base, w = base;
      undo_record fresh, record;
      p.merge_recorded(expected.view(), second.view(), fresh, on_this_thread());
      p.merge_recorded(w.view(), first.view(), record, on_this_thread());
      p.swap(w.view(), first.view(), second.view(), record, on_this_thread());
      ASSERT_TRUE(same_bits(expected, w)) << p.name << ", " << name_of(weights);
      ASSERT_TRUE(same_bytes(fresh.bytes(), record.bytes())) << p.name << ", " << name_of(weights);
      p.swap(w.view(), second.view(), {}, record, on_this_thread());
      ASSERT_TRUE(same_bits(base, w)) << p.name << ", " << name_of(weights);
    }
  }
}

// Some of the blocks that are restored together are fine and written, those behind them are not.
TYPED_TEST(ManyBlocks, AreLeftAsTheyWereByCodesThatDoNotFit) {
  const auto base =
      random_matrix<TypeParam>(this->random, this->rows, this->cols, kind::wild, 0.02f);
  const auto adapter = this->draw_adapter(kind::normal, 0.1f);
  matrix<TypeParam> merged = base;
  undo_record original;
  revlora::merge(merged.view(), adapter.view(), original);
  const std::size_t first = panels_of(original).front().offset, end = original.size_bytes() - 8;
  int refusals = 0;
  for (int tries = 0; tries < 100; ++tries) {
    std::vector<std::byte> bytes = original.to_bytes();
    bytes[first + this->random() % (end - first)] ^=
        static_cast<std::byte>(1u << this->random() % 8);
    seal(bytes);
    const undo_record forged = undo_record::from_bytes(bytes);
    for (const path<TypeParam>& p : paths<TypeParam>()) {
      matrix<TypeParam> w = merged;
      try {
        p.restore(w.view(), adapter.view(), forged, on_this_thread());
        ASSERT_TRUE(same_bits(base, w)) << p.name;
      } catch (const revlora::record_refused&) {
        ++refusals;
        ASSERT_TRUE(same_bits(merged, w)) << p.name;
      }
    }
  }
  EXPECT_GT(refusals, 0);
}

}  // namespace
}  // namespace tests
