// Between the types: every small value widened, and floats of every sign and exponent narrowed.
#include "narrowing_sweep.hpp"

namespace tests {
namespace {

template <class T>
class Conversion : public testing::Test {
 protected:
  static T pattern(std::ptrdiff_t i) { return oracle::from_bits<T>(static_cast<std::uint32_t>(i)); }
  /// x + 0
  static float widened(std::ptrdiff_t i) {
    return oracle::round<float>(oracle::widen(pattern(i)) + 0.0f);
  }
};
using small_types = testing::Types<revlora::f16, revlora::bf16, revlora::e4m3, revlora::e5m2>;
TYPED_TEST_SUITE(Conversion, small_types, weight_name);

TYPED_TEST(Conversion, WidensEveryWeightAndNarrowsItBack) {
  matrix<TypeParam> all_values(16, 4096), expected(16, 4096);
  all_values.fill([&](auto i, auto j) { return this->pattern(i * 4096 + j); });
  expected.fill(
      [&](auto i, auto j) { return oracle::round<TypeParam>(this->widened(i * 4096 + j)); });
  const auto adapter = adapter_of_rows(std::vector<float>(16, 0.0f), 4096);
  for (const path<TypeParam>& p : paths<TypeParam>()) {
    matrix<TypeParam> got = all_values;
    p.merge(got.view(), adapter.view(), on_this_thread());
    ASSERT_TRUE(same_bits(expected, got)) << p.name;
  }
}

TYPED_TEST(Conversion, WidensEveryValueOfFactorA) {
  const std::ptrdiff_t count = 0x10000;
  factors<TypeParam> adapter{matrix<TypeParam>(1, 1), matrix<TypeParam>(1, count), 1.0f};
  adapter.b(0, 0) = oracle::round<TypeParam>(1.0f);
  adapter.a.fill([&](auto, auto j) { return this->pattern(j); });
  matrix<float> zeros(1, count), expected(1, count);
  zeros.fill([](auto, auto) { return 0.0f; });
  expected.fill([&](auto, auto j) { return this->widened(j); });
  for (const path<float>& p : paths<float>()) {
    matrix<float> got = zeros;
    p.merge(got.view(), adapter.view(), on_this_thread());
    ASSERT_TRUE(same_bits(expected, got)) << p.name;
  }
}

TYPED_TEST(Conversion, WidensEveryValueOfFactorB) {
  const std::ptrdiff_t count = 0x10000;
  factors<TypeParam> adapter{matrix<TypeParam>(count, 1), matrix<TypeParam>(1, 1), 1.0f};
  adapter.a(0, 0) = oracle::round<TypeParam>(1.0f);
  adapter.b.fill([&](auto i, auto) { return this->pattern(i); });
  matrix<float> zeros(count, 1), expected(count, 1);
  zeros.fill([](auto, auto) { return 0.0f; });
  expected.fill([&](auto i, auto) { return this->widened(i); });
  for (const path<float>& p : paths<float>()) {
    matrix<float> got = zeros;
    p.merge(got.view(), adapter.view(), on_this_thread());
    ASSERT_TRUE(same_bits(expected, got)) << p.name;
  }
}

// The reference of the sweeps is itself checked against the oracle: all exponents, all signs.
TYPED_TEST(Conversion, ReferenceOfTheSweepsAgreesWithTheOracle) {
  for (std::uint64_t first = 0; first <= 0xffffffff; first += 0x7fff00) {
    const std::vector<TypeParam> run =
        round_run<TypeParam>(static_cast<std::uint32_t>(first & ~0xfffull), 4096);
    for (std::uint32_t i = 0; i < 4096; ++i) {
      const float z = std::bit_cast<float>(static_cast<std::uint32_t>(first & ~0xfffull) + i);
      ASSERT_EQ(oracle::bits_of(run[i]), oracle::bits_of(oracle::round<TypeParam>(0.0f + z)))
          << std::hexfloat << z;
    }
  }
}

// All 2³² of them, on every path of this machine. Where each costs a library call, one in 1001: an
// odd stride, so that all bits of the mantissa vary.
TYPED_TEST(Conversion, NarrowsEveryFloat) {
  sweep_narrowing<TypeParam>(slow_fma ? 1001 : 1);
}

}  // namespace
}  // namespace tests
