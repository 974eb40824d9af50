// At 1024 columns a panel's metadata weighs four times what it does at 4096: see long_test.cpp.
#include "record_size.hpp"

namespace tests {
namespace {

TEST(RecordSize, StaysWithinItsBounds) {
  constexpr double header = 8.0 * 200 / (1024.0 * 1024.0);            // 200 bytes
  constexpr double panels = 64.0 / (16 * 1024) - 64.0 / (16 * 4096);  // 64 bits of metadata each
  for (const auto& [ratio, bits] : size_limits) {
    EXPECT_LE(bits_per_weight(1024, ratio), bits + header + panels) << "ratio " << ratio;
  }
}

// A matrix of one column fills one 64th of its blocks: the rest must cost nothing.
TEST(RecordSize, OfNarrowMatricesHoldsNoPadding) {
  engine random(4);
  auto w = random_matrix<revlora::bf16>(random, 4096, 1, kind::normal, 0.02f);
  const auto adapter = random_factors<revlora::bf16>(random, 4096, 1, 1, kind::normal, 1, 1e-5f);
  revlora::undo_record record;
  revlora::merge(w.view(), adapter.view(), record);
  EXPECT_LE(record.size_bytes(), 4096u / 16 * 8 + 200);  // 64 bits of metadata for each panel
}

// Rows of zeros, which padding and pruning leave behind, must not cost as much as their bits.
TEST(RecordSize, OfZeroWeightsIsFarBelowTheirBits) {
  engine random(2);
  auto w = random_matrix<revlora::bf16>(random, 256, 1024, kind::normal, 0.02f);
  w.fill([](auto, auto) { return revlora::bf16{0}; });
  const auto adapter = random_factors<revlora::bf16>(random, 256, 1024, 4, kind::normal, 0.1f, 1);
  revlora::undo_record record;
  revlora::merge(w.view(), adapter.view(), record);
  EXPECT_LE(8 * record.size_bytes(), static_cast<std::size_t>(w.size()) * 3 / 2);
}

// Weights that are all lost (D infinite) cost their own bits, and hardly more.
TEST(RecordSize, NeverExceedsTheWeightsByMuch) {
  engine random(3);
  auto w = random_matrix<revlora::bf16>(random, 64, 1024, kind::any_bits, 1);
  const auto adapter =
      adapter_of_rows(std::vector<float>(64, std::numeric_limits<float>::infinity()), 1024);
  revlora::undo_record record;
  revlora::merge(w.view(), adapter.view(), record);
  EXPECT_LE(record.size_bytes(), static_cast<std::size_t>(w.size()) * 2 + 4 * 8 + 200);
}

}  // namespace
}  // namespace tests
