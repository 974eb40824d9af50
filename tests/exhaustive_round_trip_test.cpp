// All 65,536 weights of a 16-bit type against each of several hundred deltas.
#include "round_trip.hpp"

namespace tests {
namespace {

template <class W>
class Exhaustive : public testing::Test {};
using sixteen_bits = testing::Types<revlora::f16, revlora::bf16>;
TYPED_TEST_SUITE(Exhaustive, sixteen_bits, weight_name);

/// The deltas at which an inverse could go wrong, of both signs: zero, the ends of both formats,
/// halves and wholes of an ulp at many exponents and their neighbours, infinity, NaN, and any
/// float.
template <class W>
std::vector<float> special_deltas() {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> magnitudes{0.0f,
                                0x1p-149f,
                                0x1p-148f,
                                0x1.fffffcp-127f,
                                0x1p-126f,
                                0x1p-134f,
                                0x1.8p-133f,
                                0x1p-25f,
                                0x1p-24f,
                                0x1.8p-24f,
                                0x1p-14f,
                                0x1.ffcp-15f,
                                65504.0f,
                                65520.0f,
                                65536.0f,
                                131008.0f,
                                0x1.fep127f,
                                0x1.ffp127f,
                                0x1.fffffep127f,
                                infinity,
                                1.0f,
                                1.0f + std::ldexp(1.0f, -oracle::format<W>::fraction_width),
                                3.0f,
                                0.1f,
                                1.0f / 3,
                                0x1.000002p0f};
  for (int exponent = -27; exponent <= 17; exponent += 4) {
    const float power = std::ldexp(1.0f, exponent);
    const float half_ulp = std::ldexp(power, -oracle::format<W>::fraction_width - 1);
    for (const float x : {power, half_ulp, power + half_ulp, power + 3 * half_ulp}) {
      for (const float toward : {0.0f, x, infinity})
        magnitudes.push_back(std::nextafter(x, toward));
    }
  }
  std::vector<float> deltas;
  for (const float magnitude : magnitudes) {
    deltas.push_back(magnitude);
    deltas.push_back(-magnitude);
  }
  deltas.push_back(std::numeric_limits<float>::quiet_NaN());
  engine random(1);
  for (int i = 0; i < 60; ++i) deltas.push_back(draw<float>(random, kind::any_bits, 1));
  for (int i = 0; i < 60; ++i) deltas.push_back(draw<float>(random, kind::normal, 1));
  return deltas;
}

TYPED_TEST(Exhaustive, EveryWeightComesBackFromEverySpecialDelta) {
  const std::vector<float> deltas = special_deltas<TypeParam>();
  ASSERT_GE(deltas.size(), 123u);
  // a panel of 16 rows at a time: row i holds a 16th of the weights, the delta is the same for all
  matrix<TypeParam> all_weights(16, 4096);
  all_weights.fill([](std::ptrdiff_t i, std::ptrdiff_t j) {
    return oracle::from_bits<TypeParam>(static_cast<std::uint32_t>(i * 4096 + j));
  });
  for (std::size_t at = 0; at < deltas.size(); at += slow_fma ? 7 : 1) {
    const auto adapter = adapter_of_rows(std::vector<float>(16, deltas[at]), 4096);
    ASSERT_TRUE(round_trips(all_weights, adapter.view()))
        << "D = " << std::hexfloat << deltas[at] << ", bits 0x" << std::hex
        << oracle::bits_of(deltas[at]);
  }
}

// D = −0 needs a product that underflows.
TYPED_TEST(Exhaustive, EveryWeightComesBackFromMinusZero) {
  matrix<TypeParam> all_weights(16, 4096);
  all_weights.fill([](std::ptrdiff_t i, std::ptrdiff_t j) {
    return oracle::from_bits<TypeParam>(static_cast<std::uint32_t>(i * 4096 + j));
  });
  auto adapter = adapter_of_rows(std::vector<float>(16, 0x1p-100f), 4096);
  adapter.strength = -0x1p-100f;
  ASSERT_TRUE(std::signbit(oracle::deltas(adapter.view()).row(0, 4096).front()));
  ASSERT_TRUE(round_trips(all_weights, adapter.view()));
}

}  // namespace
}  // namespace tests
