// The oracle is only worth something if it is right: known values, and its own definitions.
#include "oracle.hpp"

#include <gtest/gtest.h>

namespace {

using revlora::bf16;
using revlora::f16;

template <class T>
std::uint32_t rounded(float z) {
  return oracle::bits_of(oracle::round<T>(z));
}

TEST(Oracle, KnowsTheLandmarksOfEachFormat) {
  EXPECT_EQ(oracle::value_of(f16::from_bits(0x3c00)), 1.0);
  EXPECT_EQ(oracle::value_of(f16::from_bits(0x7bff)), 65504.0);
  EXPECT_EQ(oracle::value_of(f16::from_bits(0x0001)), 0x1p-24);
  EXPECT_EQ(oracle::value_of(f16::from_bits(0x8400)), -0x1p-14);
  EXPECT_EQ(oracle::value_of(bf16::from_bits(0x3f80)), 1.0);
  EXPECT_EQ(oracle::value_of(bf16::from_bits(0x7f7f)), 0x1.fep127);
  EXPECT_EQ(oracle::value_of(bf16::from_bits(0x0001)), 0x1p-133);
  EXPECT_EQ(oracle::value_of(0x1.8p-149f), static_cast<double>(0x1.8p-149f));
  EXPECT_EQ(oracle::value_of(-3.25f), -3.25);
  EXPECT_TRUE(std::signbit(oracle::value_of(bf16::from_bits(0x8000))));
  EXPECT_TRUE(std::isnan(oracle::value_of(f16::from_bits(0x7c01))));
  EXPECT_EQ(oracle::value_of(f16::from_bits(0xfc00)), -std::numeric_limits<double>::infinity());
}

TEST(Oracle, RoundsToNearestEvenWithOverflowAndSubnormals) {
  EXPECT_EQ(rounded<f16>(1.0f + 0x1p-11f), 0x3c00u);      // tie, down to even
  EXPECT_EQ(rounded<f16>(1.0f + 0x3p-11f), 0x3c02u);      // tie, up to even
  EXPECT_EQ(rounded<f16>(1.0f + 0x1.002p-11f), 0x3c01u);  // just above a tie
  EXPECT_EQ(rounded<f16>(65519.996f), 0x7bffu);           // just below the overflow
  EXPECT_EQ(rounded<f16>(65520.0f), 0x7c00u);             // tie with infinity
  EXPECT_EQ(rounded<f16>(-0x1p-25f), 0x8000u);            // tie with zero
  EXPECT_EQ(rounded<f16>(0x1.000002p-25f), 0x0001u);      // just above it
  EXPECT_EQ(rounded<f16>(0x1.ffep-15f), 0x0400u);         // subnormal up into normal
  EXPECT_EQ(rounded<bf16>(1.0f + 0x1p-8f), 0x3f80u);      // tie, down to even
  EXPECT_EQ(rounded<bf16>(1.0f + 0x3p-8f), 0x3f82u);      // tie, up to even
  EXPECT_EQ(rounded<bf16>(0x1.fefffep127f), 0x7f7fu);     // just below the overflow
  EXPECT_EQ(rounded<bf16>(-0x1.ffp127f), 0xff80u);        // tie with infinity
  EXPECT_EQ(rounded<bf16>(0x1p-134f), 0x0000u);           // tie with zero
  EXPECT_EQ(rounded<bf16>(0x1.8p-133f), 0x0002u);         // tie of subnormals, up to even
  EXPECT_EQ(rounded<bf16>(std::numeric_limits<float>::infinity()), 0x7f80u);
  EXPECT_EQ(rounded<bf16>(-std::numeric_limits<float>::quiet_NaN()), 0x7fc0u);
  EXPECT_EQ(rounded<f16>(oracle::from_bits<float>(0xffffffff)), 0x7e00u);
  EXPECT_EQ(rounded<float>(oracle::from_bits<float>(0xff800001)), 0x7fc00000u);
}

template <class T>
void expect_widening_and_rounding_to_be_inverse() {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const T x = oracle::from_bits<T>(bits);
    const bool nan = std::isnan(oracle::value_of(x));
    ASSERT_EQ(rounded<T>(oracle::widen(x)), nan ? oracle::format<T>::canonical_nan : bits);
  }
}

TEST(Oracle, WidensAndRoundsBackEveryF16) {
  expect_widening_and_rounding_to_be_inverse<f16>();
}
TEST(Oracle, WidensAndRoundsBackEveryBf16) {
  expect_widening_and_rounding_to_be_inverse<bf16>();
}

// Even positions give 1 + 2⁻²⁴ → 1 twice, odd ones 2⁻²⁴ + 2⁻²⁴: only E + O keeps the odd chain.
TEST(Oracle, SumsEvenAndOddPositionsApart) {
  const float b[] = {1.0f, 0x1p-24f, 0x1p-24f, 0x1p-24f};
  const float a[] = {1.0f, 1.0f, 1.0f, 1.0f};
  EXPECT_EQ(oracle::accumulate(b, a, 1, 4), 1.0f + 0x1p-23f);
}

TEST(Oracle, StartsNewChainsEvery32Ranks) {
  std::vector<float> b(34, 0.0f), a(34, 1.0f);
  b[0] = 1.0f;
  b[32] = 0x1p-24f;  // would vanish in the chain that starts with 1, …
  b[33] = 0x1p-24f;
  EXPECT_EQ(oracle::accumulate(b.data(), a.data(), 1, 34), 1.0f + 0x1p-23f);
  b[32] = 0.0f;  // … and vanishes here
  EXPECT_EQ(oracle::accumulate(b.data(), a.data(), 1, 34), 1.0f);
}

TEST(Oracle, DoesNotRoundProducts) {
  const float b[] = {1.0f + 0x1p-12f, 0.0f, -1.0f};
  const float a[] = {1.0f + 0x1p-12f, 0.0f, 1.0f + 0x1p-11f};
  EXPECT_EQ(oracle::accumulate(b, a, 1, 3), 0.0f);  // the product is rounded into the chain
  const float c[] = {-1.0f, 0.0f, 1.0f + 0x1p-12f};
  const float d[] = {1.0f + 0x1p-11f, 0.0f, 1.0f + 0x1p-12f};
  EXPECT_EQ(oracle::accumulate(c, d, 1, 3), 0x1p-24f);  // here it is not
}

}  // namespace
