// What a record weighs. Here on small matrices; on 4096 × 4096 ones in long_test.cpp.
#include "record_size.hpp"
#include "paths.hpp"
#include "record_panels.hpp"

namespace tests {
namespace {

template <class W>
class RecordSize : public testing::Test {};
TYPED_TEST_SUITE(RecordSize, weight_types, weight_name);

// At 1024 columns a panel's metadata weighs four times what it does at 4096.
TYPED_TEST(RecordSize, IsAtTheInformationBound) {
  constexpr double header = 8.0 * 200 / (1024.0 * 1024.0);            // 200 bytes
  constexpr double panels = 64.0 / (16 * 1024) - 64.0 / (16 * 4096);  // 64 bits of metadata each
  for (const auto how : {revlora::recipe::fused, revlora::recipe::rounded_delta}) {
    for (const double percent : percents) {
      const auto [bits, bound] = measure_record<TypeParam>(1024, percent, how, 4);
      EXPECT_LE(bits, largest_ratio<TypeParam>(how) * bound + header + panels)
          << percent << " %, " << name_of(how) << ", bound " << bound;
      // Below the bound nothing can be but what the sampled rows differ from the others.
      EXPECT_GE(bits, 0.95 * bound) << percent << " %, " << name_of(how);
    }
  }
}

/// What a record holds besides its codes, whose last bytes may be filled by one bit.
double bytes_beside_codes(const revlora::undo_record& record) {
  double codes = 0;
  for (const auto& panel : panels_of(record)) {
    codes += static_cast<double>(panel.size) - (panel.size > 0 ? 7.0 / 8 : 0);
  }
  return static_cast<double>(record.size_bytes()) - codes;
}

TYPED_TEST(RecordSize, OfASmallMatrixIsHardlyMoreThanItsCodes) {
  engine random(5);
  for (const float strength : {0.0f, 0.001f, 0.1f, 10.0f, std::numeric_limits<float>::max()}) {
    auto w = random_matrix<TypeParam>(random, 64, 64, kind::normal, 0.02f);
    const auto adapter =
        random_factors<revlora::bf16>(random, 64, 64, 8, kind::normal, 0.1f, strength);
    revlora::undo_record record;
    revlora::merge(w.view(), adapter.view(), record);
    EXPECT_LE(bytes_beside_codes(record), sizeof(TypeParam) == 1 ? 72 : 64)
        << "strength " << strength;
  }
}

// A matrix of one column fills one 64th of its blocks: the rest must cost nothing.
TYPED_TEST(RecordSize, OfNarrowMatricesHoldsNoPadding) {
  engine random(4);
  auto w = random_matrix<TypeParam>(random, 4096, 1, kind::normal, 0.02f);
  const auto adapter = random_factors<revlora::bf16>(random, 4096, 1, 1, kind::normal, 1, 1e-5f);
  revlora::undo_record record;
  revlora::merge(w.view(), adapter.view(), record);
  EXPECT_LE(record.size_bytes(), 4096u / 16 * 8 + 200);  // 64 bits of metadata for each panel
}

// Rows of zeros, which padding and pruning leave behind, must not cost as much as their bits, if
// these are more than eight.
TYPED_TEST(RecordSize, OfZeroWeightsIsTwoBitsAtMost) {
  if (sizeof(TypeParam) == 1) GTEST_SKIP() << "zeros of eight bits have no codes of their own";
  engine random(2);
  for (const std::uint32_t zero : {0u, oracle::sign_bit<TypeParam>}) {
    matrix<TypeParam> w(256, 1024);
    w.fill([&](auto, auto) { return oracle::from_bits<TypeParam>(zero); });
    for (const float strength : {1e-30f, 1e-3f, 1.0f, 1e3f}) {
      for (const auto how : {revlora::recipe::fused, revlora::recipe::rounded_delta}) {
        const auto adapter =
            random_factors<revlora::bf16>(random, 256, 1024, 4, kind::normal, 0.1f, strength);
        matrix<TypeParam> merged = w;
        revlora::undo_record record;
        revlora::merge(merged.view(), {adapter.view(), how}, record);
        const double codes = static_cast<double>(record.size_bytes()) - bytes_beside_codes(record);
        EXPECT_LE(8 * codes, 2.0 * static_cast<double>(w.size()))
            << "strength " << strength << ", " << name_of(how);
      }
    }
  }
}

// Weights that are all lost (D infinite) cost their own bits, and hardly more.
TYPED_TEST(RecordSize, NeverExceedsTheWeightsByMuch) {
  engine random(3);
  auto w = random_matrix<TypeParam>(random, 64, 1024, kind::any_bits, 1);
  const auto adapter =
      adapter_of_rows(std::vector<float>(64, std::numeric_limits<float>::infinity()), 1024);
  revlora::undo_record record;
  revlora::merge(w.view(), adapter.view(), record);
  EXPECT_LE(record.size_bytes(),
            static_cast<std::size_t>(w.size()) * sizeof(TypeParam) + 4 * 8 + 200);
}

}  // namespace
}  // namespace tests
