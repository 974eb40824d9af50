// hadamard: every bit of W equal to the oracle's, alone and in lists with low_rank, and back again.
#include "executors.hpp"
#include "paths.hpp"
#include "round_trip.hpp"
#include "values.hpp"

namespace tests {
namespace {

using revlora::adapter;
using revlora::hadamard;
using revlora::recipe;

constexpr std::ptrdiff_t rows = 35, cols = 140;  // partial panels, partial blocks

/// A hadamard that owns its factors.
template <class F>
struct two_products {
  factors<F> first, second;

  two_products(engine& random, std::ptrdiff_t rank, std::ptrdiff_t other_rank, kind k, float scale,
               float strength)
      : first(random_factors<F>(random, rows, cols, rank, k, scale, strength)),
        second(random_factors<F>(random, rows, cols, other_rank, k, scale, strength)) {}

  hadamard view() const {
    return {{first.b.view(), first.a.view()}, {second.b.view(), second.a.view()}, first.strength};
  }
};

template <class C>
class Hadamard : public path_test<C> {};
TYPED_TEST_SUITE(Hadamard, weights_by_factors, combination_name);

/// By library and oracle, into copies of `w`: merged and subtracted.
template <class C, class W = typename C::W>
testing::AssertionResult combines_exactly(const matrix<W>& w, revlora::adapter_list adapters) {
  const path<W>& on = C::on();
  matrix<W> expected = w, got = w;
  const auto report = oracle::merge(expected.view(), adapters);
  const auto merged = on.merge(got.view(), adapters, on_this_thread());
  if (auto same = same_bits(expected, got); !same) return same << ", merged";
  if (auto same = same_report(report, merged); !same) return same << ", merged";
  expected = got = w;
  oracle::subtract(expected.view(), adapters);
  on.subtract(got.view(), adapters, on_this_thread());
  if (auto same = same_bits(expected, got); !same) return same << ", subtracted";
  return testing::AssertionSuccess();
}

TYPED_TEST(Hadamard, EqualsTheOracleForRanksAroundTheBlocksOfAChain) {
  engine random(1);
  const auto w = random_matrix<typename TypeParam::W>(random, rows, cols, kind::normal, 0.02f);
  for (const auto& [rank, other] :
       {std::pair{0, 1}, {1, 1}, {1, 31}, {31, 32}, {32, 33}, {33, 64}, {64, 0}, {64, 65}}) {
    const two_products<typename TypeParam::F> adapter(random, rank, other, kind::normal, 0.3f,
                                                      0.1f);
    ASSERT_TRUE(combines_exactly<TypeParam>(w, adapter.view())) << rank << " and " << other;
  }
}

TYPED_TEST(Hadamard, KeepsIeeeRulesForEveryKindOfWeightAndFactor) {
  engine random(2);
  for (const kind weights : all_kinds) {
    for (const kind numbers : all_kinds) {
      const auto w = random_matrix<typename TypeParam::W>(random, rows, cols, weights, 0.5f);
      const two_products<typename TypeParam::F> adapter(random, 5, 2, numbers, 0.5f, 0.7f);
      ASSERT_TRUE(combines_exactly<TypeParam>(w, adapter.view()))
          << name_of(weights) << " weights, " << name_of(numbers) << " factors";
    }
  }
}

TYPED_TEST(Hadamard, IsAddedUpWithOthersInOrder) {
  using F = typename TypeParam::F;
  engine random(3);
  const two_products<F> one(random, 4, 33, kind::normal, 0.4f, 0.2f),
      other(random, 9, 2, kind::coarse, 0.25f, -0.5f);
  const mixed_factors<F> low_rank(random, rows, cols, 7, kind::normal, 0.3f, 0.1f);
  const std::vector<revlora::low_rank> plain = low_rank.list();
  const std::vector<adapter> lists[] = {{one.view(), plain[0]},
                                        {plain[1], one.view()},
                                        {one.view(), other.view()},
                                        {plain[0], one.view(), plain[2], other.view(), plain[1]}};
  const auto w = random_matrix<typename TypeParam::W>(random, rows, cols, kind::normal, 0.1f);
  for (const auto& list : lists)
    for (const recipe by : {recipe::fused, recipe::rounded_delta})
      ASSERT_TRUE(combines_exactly<TypeParam>(w, {list, by})) << list.size() << " adapters";
}

// A product of two sums that is too small for fp32 counts as +0, whatever sign it is rounded to.
// Made into one operation with the addition of +0, it would leave D at −0.
TYPED_TEST(Hadamard, CountsAProductThatIsRoundedToZeroAsPlusZero) {
  using W = typename TypeParam::W;
  matrix<W> w(17, 70);
  w.fill([](auto, auto) { return oracle::from_bits<W>(oracle::sign_bit<W>); });
  const std::vector<float> ones(17, 1.0f), tiny(17, 0x1p-100f), less(17, -0x1p-100f);
  factors<float> negative = adapter_of_rows(ones, 70);
  negative.strength = -0x1p-149f;
  negative.a.fill([](auto, auto) { return 0x1p-10f; });  // D = −2⁻¹⁵⁹, rounded to −0
  const factors<float> first = adapter_of_rows(tiny, 70), second = adapter_of_rows(less, 70);
  const hadamard underflows({first.b.view(), first.a.view()}, {second.b.view(), second.a.view()},
                            1.0f);
  TypeParam::on().merge(w.view(), {negative.view(), underflows}, on_this_thread());
  w.fill([&](auto i, auto j) {
    EXPECT_EQ(oracle::bits_of(w(i, j)), 0u) << i << ", " << j;
    return w(i, j);
  });
}

template <class W>
class HadamardRecord : public testing::Test {};
TYPED_TEST_SUITE(HadamardRecord, weight_types, weight_name);

TYPED_TEST(HadamardRecord, LeadsBackOnEveryPath) {
  engine random(4);
  for (const kind weights : all_kinds) {
    const auto base = random_matrix<TypeParam>(random, rows, cols, weights, 0.02f);
    const two_products<revlora::bf16> one(random, 4, 36, kind::normal, 0.3f, 0.05f);
    const two_products<float> other(random, 3, 2, kind::normal, 0.3f, 0.1f);
    const auto plain = random_factors<revlora::bf16>(random, rows, cols, 6, kind::normal, 0.1f, 1);
    for (const recipe by : {recipe::fused, recipe::rounded_delta}) {
      ASSERT_TRUE(round_trips(base, {one.view(), by})) << name_of(weights);
      ASSERT_TRUE(round_trips(base, {{plain.view(), other.view(), one.view()}, by}))
          << name_of(weights);
    }
  }
}

TYPED_TEST(HadamardRecord, SwapsToWhatAFreshMergeGives) {
  engine random(5);
  const auto base = random_matrix<TypeParam>(random, rows, cols, kind::normal, 0.02f);
  const two_products<revlora::f16> one(random, 8, 8, kind::normal, 0.3f, 0.05f);
  const auto plain = random_factors<revlora::bf16>(random, rows, cols, 6, kind::normal, 0.1f, 1);
  const std::vector<adapter> lists[] = {{one.view()}, {plain.view(), one.view()}, {plain.view()}};
  for (const path<TypeParam>& p : paths<TypeParam>())
    for (const auto& before : lists)
      for (const auto& after : lists) {
        matrix<TypeParam> swapped = base, fresh = base;
        revlora::undo_record record, expected;
        p.merge_recorded(swapped.view(), before, record, on_this_thread());
        p.swap(swapped.view(), before, after, record, on_this_thread());
        p.merge_recorded(fresh.view(), after, expected, on_this_thread());
        ASSERT_TRUE(same_bits(fresh, swapped)) << p.name;
        ASSERT_TRUE(same_bytes(expected.bytes(), record.bytes())) << p.name;
        p.restore(swapped.view(), after, record, on_this_thread());
        ASSERT_TRUE(same_bits(base, swapped)) << p.name;
      }
}

TYPED_TEST(HadamardRecord, BelongsToTheFactorsInTheirOrder) {
  engine random(6);
  const auto base = random_matrix<TypeParam>(random, rows, cols, kind::normal, 0.02f);
  const two_products<float> one(random, 3, 3, kind::normal, 0.3f, 0.05f);
  const hadamard reversed({one.second.b.view(), one.second.a.view()},
                          {one.first.b.view(), one.first.a.view()}, one.first.strength);
  matrix<TypeParam> w = base;
  revlora::undo_record record;
  const path<TypeParam> p = paths<TypeParam>().front();
  p.merge_recorded(w.view(), one.view(), record, on_this_thread());
  EXPECT_FALSE(p.validate(w.view(), reversed, record, on_this_thread()));
  EXPECT_TRUE(p.validate(w.view(), one.view(), record, on_this_thread()));
}

TYPED_TEST(HadamardRecord, OfATransposeOrASliceIsThatOfTheWeight) {
  engine random(7);
  const auto base = random_matrix<TypeParam>(random, rows, cols, kind::normal, 0.02f);
  const two_products<revlora::bf16> one(random, 5, 34, kind::normal, 0.3f, 0.05f);
  const path<TypeParam> p = paths<TypeParam>().front();
  matrix<TypeParam> whole = base, slice(20, 70), transpose(cols, rows);
  p.merge(whole.view(), one.view(), on_this_thread());
  slice.fill([&](auto i, auto j) { return base(i + 9, j + 50); });
  p.merge(slice.view(), one.view().row_slice(9, 20).column_slice(50, 70), on_this_thread());
  transpose.fill([&](auto i, auto j) { return base(j, i); });
  p.merge(transpose.view(), one.view().transposed(), on_this_thread());
  slice.fill([&](auto i, auto j) {
    EXPECT_EQ(oracle::bits_of(slice(i, j)), oracle::bits_of(whole(i + 9, j + 50)));
    return slice(i, j);
  });
  transpose.fill([&](auto i, auto j) {
    EXPECT_EQ(oracle::bits_of(transpose(i, j)), oracle::bits_of(whole(j, i)));
    return transpose(i, j);
  });
}

}  // namespace
}  // namespace tests
