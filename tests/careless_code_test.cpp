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

/// Knows which weights carry bits, and looks for them where they hardly ever are.
template <class T>
struct looks_away : round_sum<T> {
  static preimage candidates(std::uint32_t y, float) { return {y % 3, 1 + y % 5}; }
};

/// Claims that round(y − D) is right wherever it looks, in all columns but a few.
template <class T>
struct hardly_looks : round_sum<T> {
  template <class Arch>
  struct inverse : round_sum<T>::template inverse<Arch> {
    auto guess(const auto& y, const revlora::detail::floats<Arch> (&delta)[2]) const {
      auto guessed = round_sum<T>::template inverse<Arch>::guess(y, delta);
      guessed.certain |= ~std::uint64_t{1};
      return guessed;
    }
  };
};

/// Verbs with kernels over a map.
template <class Map>
struct careless {
  static const revlora::detail::kernel_table& kernels() {
    using namespace revlora::detail;
    using arch = xsimd::default_arch;
    static constexpr kernel_table table =
        revlora::detail::kernels<arch, vector_units<arch>, map_list<Map>>;
    return table;
  }
};

template <class Map, class T>
testing::AssertionResult comes_back(const matrix<T>& base, revlora::adapter_list adapters) {
  using target = careless<Map>;
  matrix<T> w = base, expected = base;
  oracle::merge(expected.view(), adapters);
  revlora::undo_record record;
  revlora::merge<target>(w.view(), adapters, record);
  if (auto same = same_bits(expected, w); !same) return same;
  const std::vector<std::byte> bytes = record.to_bytes();
  revlora::swap<target>(w.view(), adapters, adapters, record);
  if (auto same = same_bits(expected, w); !same) return same;
  if (auto same = same_bytes(bytes, record.bytes()); !same) return same;
  revlora::unmerge<target>(w.view(), adapters, record);
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
      ASSERT_TRUE((comes_back<never_carries_bits<TypeParam>>(base, adapter.view())))
          << name_of(stored) << " weights, " << name_of(numbers) << " factors";
      ASSERT_TRUE((comes_back<looks_in_the_wrong_place<TypeParam>>(base, adapter.view())))
          << name_of(stored) << " weights, " << name_of(numbers) << " factors";
    }
  }
}

// Few exceptions, in several of the blocks that are coded together.
TYPED_TEST(CarelessCode, StillLeadsBackWhereItIsCarelessNowAndThen) {
  engine random(2);
  const auto base = random_matrix<TypeParam>(random, 20, 1300, kind::normal, 0.02f);
  for (const float strength : {0.0001f, 0.001f, 0.01f}) {
    const auto adapter = random_factors<float>(random, 20, 1300, 4, kind::normal, 1, strength);
    ASSERT_TRUE((comes_back<looks_away<TypeParam>>(base, adapter.view()))) << strength;
    ASSERT_TRUE((comes_back<hardly_looks<TypeParam>>(base, adapter.view()))) << strength;
  }
}

}  // namespace
}  // namespace tests
