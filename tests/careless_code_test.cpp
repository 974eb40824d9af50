// Exactness is checked, never assumed: with a map that guesses badly, the comparison in the
// encoder finds every weight that would come back wrong, and the record still leads back to every
// bit.
#include "revlora/revlora.hpp"
#include "values.hpp"

namespace tests {
namespace {

using revlora::detail::preimage;
using revlora::detail::round_sum;

/// Claims that round(y − D) is always right.
template <class T>
struct never_carries_bits : round_sum<T> {
  template <class Arch>
  struct inverse : round_sum<T>::template inverse<Arch> {
    auto guess(const auto& y, const revlora::detail::floats<Arch> (&delta)[2]) const {
      auto guessed = round_sum<T>::template inverse<Arch>::guess(y, delta);
      guessed.certain = ~std::uint64_t{0};
      return guessed;
    }
  };
  static preimage candidates(std::uint32_t, float) { return {0, 1}; }
};

/// Asks for bits everywhere, and looks for the weight where it hardly ever is.
template <class T>
struct looks_in_the_wrong_place : round_sum<T> {
  template <class Arch>
  struct inverse : round_sum<T>::template inverse<Arch> {
    auto guess(const auto& y, const revlora::detail::floats<Arch> (&delta)[2]) const {
      auto guessed = round_sum<T>::template inverse<Arch>::guess(y, delta);
      guessed.certain = 0;
      return guessed;
    }
  };
  static preimage candidates(std::uint32_t y, float) { return {y % 3, 1 + y % 5}; }
};

template <template <class> class Map, class T>
testing::AssertionResult comes_back(const matrix<T>& base, revlora::adapter_list adapters) {
  using namespace revlora::detail;
  using arch = xsimd::default_arch;
  static constexpr kernel_table careless = kernels<arch, vector_units<arch>, Map>;
  const revlora::serial on;
  const packed_adapters packed(careless, revlora::element_type_of<T>, adapters, on);
  matrix<T> w = base, expected = base;
  oracle::merge(expected.view(), adapters);
  record_contents none;
  record_contents record = begin_record(base.view(), adapters, none);
  const auto lead = [&](auto origin, auto goal) {
    const revlora::matrix_view<const T> from = w.view();
    return exchange(careless, from, w.view(), origin, goal).run(on) == outcome::done;
  };
  if (!lead(std::nullopt, exchange::goal{packed, record, none}))
    return testing::AssertionFailure() << "not merged";
  if (auto same = same_bits(expected, w); !same) return same;
  const std::vector<std::byte> bytes = record.bytes;
  record_contents again = begin_record(base.view(), adapters, none);
  if (!lead(exchange::origin{packed, record}, exchange::goal{packed, again, none}))
    return testing::AssertionFailure() << "not swapped";
  if (auto same = same_bits(expected, w); !same) return same;
  if (auto same = same_bytes(bytes, again.bytes); !same) return same;
  if (!lead(exchange::origin{packed, again}, std::nullopt))
    return testing::AssertionFailure() << "not unmerged";
  return same_bits(base, w);
}

template <class W>
class CarelessCode : public testing::Test {};
using weights = testing::Types<float, revlora::f16, revlora::bf16>;
TYPED_TEST_SUITE(CarelessCode, weights);

TYPED_TEST(CarelessCode, StillLeadsBackToEveryBit) {
  engine random(1);
  for (const kind stored : all_kinds) {
    const auto base = random_matrix<TypeParam>(random, 35, 140, stored, 0.5f);
    for (const kind numbers : all_kinds) {
      const auto adapter = random_factors<float>(random, 35, 140, 3, numbers, 0.5f, 0.7f);
      ASSERT_TRUE((comes_back<never_carries_bits>(base, adapter.view())))
          << name_of(stored) << " weights, " << name_of(numbers) << " factors";
      ASSERT_TRUE((comes_back<looks_in_the_wrong_place>(base, adapter.view())))
          << name_of(stored) << " weights, " << name_of(numbers) << " factors";
    }
  }
}

}  // namespace
}  // namespace tests
