// The undo record as a value: what it knows, what it weighs, how it travels.
#include <type_traits>

#include "executors.hpp"
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

using revlora::undo_record;
using revlora::weights_state;

static_assert(std::is_copy_constructible_v<undo_record> && std::is_copy_assignable_v<undo_record>);
static_assert(std::is_move_constructible_v<undo_record> && std::is_move_assignable_v<undo_record>);

template <class W>
class Record : public testing::Test {};
TYPED_TEST_SUITE(Record, weight_types, weight_name);

/// Weights, adapters, and the state after a recorded merge.
template <class W>
struct merged_scene {
  engine random{1};
  matrix<W> base = random_matrix<W>(random, 40, 70, kind::normal, 0.02f);
  mixed_factors<revlora::bf16> adapters{random, 40, 70, 5, kind::normal, 0.1f, 0.3f};
  std::vector<revlora::low_rank> list = adapters.list(2);
  matrix<W> merged = base;
  undo_record record;

  merged_scene() { revlora::merge(merged.view(), list, record); }
};

TYPED_TEST(Record, TellsWhatItBelongsTo) {
  const merged_scene<TypeParam> s;
  EXPECT_TRUE(undo_record().empty());
  EXPECT_EQ(undo_record().size_bytes(), 0u);
  for (const undo_record& r : {s.record, undo_record::from_bytes(s.record.bytes())}) {
    EXPECT_FALSE(r.empty());
    EXPECT_EQ(r.type(), revlora::element_type_of<TypeParam>);
    EXPECT_EQ(r.rows(), 40);
    EXPECT_EQ(r.cols(), 70);
    EXPECT_EQ(r.size_bytes(), r.bytes().size());
    ASSERT_EQ(r.fingerprints().size(), 2u);
    EXPECT_EQ(r.fingerprints()[0], revlora::fingerprint(s.list[0]));
    EXPECT_EQ(r.fingerprints()[1], revlora::fingerprint(s.list[1]));
  }
}

TYPED_TEST(Record, SurvivesCopyMoveAndBytes) {
  const merged_scene<TypeParam> s;
  const auto undoes = [&](const undo_record& record) {
    matrix<TypeParam> w = s.merged;
    revlora::unmerge(w.view(), s.list, record);
    return same_bits(s.base, w);
  };
  undo_record copy = s.record;
  EXPECT_TRUE(undoes(copy));
  const undo_record moved = std::move(copy);
  EXPECT_TRUE(undoes(moved));
  EXPECT_TRUE(same_bytes(s.record.bytes(), moved.bytes()));
  const undo_record read = undo_record::from_bytes(s.record.bytes());
  EXPECT_TRUE(undoes(read));
  EXPECT_TRUE(same_bytes(s.record.bytes(), read.bytes()));
  EXPECT_TRUE(undoes(s.record)) << "undoing does not use a record up";
}

TYPED_TEST(Record, IsForgottenByTheNextMerge) {
  merged_scene<TypeParam> s;
  engine random(2);
  for (const std::ptrdiff_t cols : {300, 8, 0, 70}) {
    const auto base = random_matrix<TypeParam>(random, 20, cols, kind::wild, 1);
    const auto adapter = random_factors<float>(random, 20, cols, 2, kind::normal, 1, 1);
    matrix<TypeParam> w = base;
    revlora::merge(w.view(), adapter.view(), s.record);
    EXPECT_EQ(s.record.cols(), cols);
    EXPECT_EQ(s.record.fingerprints().size(), 1u);
    revlora::unmerge(w.view(), adapter.view(), s.record);
    ASSERT_TRUE(same_bits(base, w)) << cols << " columns";
  }
}

TYPED_TEST(Record, StaysWhereItIsWhenUsedAgain) {
  merged_scene<TypeParam> s;
  const void* const data = s.record.bytes().data();
  const std::vector<std::byte> bytes(s.record.bytes().begin(), s.record.bytes().end());
  revlora::unmerge(s.merged.view(), s.list, s.record);
  revlora::merge(s.merged.view(), s.list, s.record);
  EXPECT_EQ(s.record.bytes().data(), data);
  EXPECT_TRUE(same_bytes(bytes, s.record.bytes()));
}

TYPED_TEST(Record, TellsBaseFromMergedWeights) {
  merged_scene<TypeParam> s;
  EXPECT_EQ(revlora::state_of(s.base.view(), s.record), weights_state::base);
  EXPECT_EQ(revlora::state_of(s.merged.view(), s.record), weights_state::merged);
  for (matrix<TypeParam>* w : {&s.base, &s.merged}) {
    (*w)(39, 69) = oracle::from_bits<TypeParam>(oracle::bits_of((*w)(39, 69)) ^ 1u);
    EXPECT_EQ(revlora::state_of(w->view(), s.record), weights_state::other);
  }
  const matrix<TypeParam>& read_only = s.merged;
  EXPECT_EQ(revlora::state_of(read_only.view(), undo_record()), weights_state::other);
  undo_record nothing_to_undo;
  revlora::merge(s.base.view(), {}, nothing_to_undo);
  EXPECT_EQ(revlora::state_of(s.base.view(), nothing_to_undo), weights_state::merged);
}

// Zeros around the weights leave the checksums as they are.
TYPED_TEST(Record, TellsOtherShapesAndTypesFromItsOwn) {
  const merged_scene<TypeParam> s;
  const auto expect_other = [&]<class T>(matrix<T> w) {
    w.fill([&](auto i, auto j) {
      return i < 40 && j < 70 ? oracle::from_bits<T>(oracle::bits_of(s.merged(i, j))) : T{};
    });
    EXPECT_EQ(revlora::state_of(w.view(), s.record), weights_state::other)
        << type_name<T> << ", " << w.rows() << " x " << w.cols();
  };
  expect_other(matrix<TypeParam>(41, 70));
  expect_other(matrix<TypeParam>(400, 70));
  expect_other(matrix<TypeParam>(40, 71));
  EXPECT_EQ(revlora::state_of(matrix<TypeParam>(0, 0).view(), undo_record()), weights_state::other);
  using twin =
      std::conditional_t<std::is_same_v<TypeParam, revlora::f16>, revlora::bf16, revlora::f16>;
  expect_other(matrix<twin>(40, 70));
}

TYPED_TEST(Record, DoesNotDependOnStrides) {
  merged_scene<TypeParam> s;
  matrix<TypeParam> apart(40, 70, 100), dense(40, 70, 0, 0);
  for (matrix<TypeParam>* w : {&apart, &dense}) {
    w->fill([&](auto i, auto j) { return s.base(i, j); });
    undo_record record;
    revlora::merge(w->view(), s.list, record);
    EXPECT_TRUE(same_bytes(s.record.bytes(), record.bytes()));
    revlora::unmerge(w->view(), s.list, s.record);
    w->fill([&](auto i, auto j) {
      EXPECT_EQ(oracle::bits_of((*w)(i, j)), oracle::bits_of(s.base(i, j)));
      return canary<TypeParam>();
    });
  }
}

TEST(Fingerprint, DependsOnEveryBitAndNotOnStrides) {
  engine random(3);
  auto adapter = random_factors<revlora::bf16>(random, 3, 5, 2, kind::normal, 1, 0.5f);
  const std::uint64_t original = revlora::fingerprint(adapter.view());
  factors<revlora::bf16> elsewhere{matrix<revlora::bf16>(3, 2, 40), matrix<revlora::bf16>(2, 5, 0),
                                   0.5f};
  elsewhere.b.fill([&](auto i, auto j) { return adapter.b(i, j); });
  elsewhere.a.fill([&](auto i, auto j) { return adapter.a(i, j); });
  EXPECT_EQ(revlora::fingerprint(elsewhere.view()), original);

  for (matrix<revlora::bf16>* factor : {&adapter.b, &adapter.a}) {
    for (std::ptrdiff_t i = 0; i < factor->rows(); ++i) {
      for (std::ptrdiff_t j = 0; j < factor->cols(); ++j) {
        for (int bit = 0; bit < 16; ++bit) {
          auto& x = (*factor)(i, j);
          x.bits = static_cast<std::uint16_t>(x.bits ^ 1u << bit);
          EXPECT_NE(revlora::fingerprint(adapter.view()), original);
          x.bits = static_cast<std::uint16_t>(x.bits ^ 1u << bit);
        }
      }
    }
  }
  adapter.strength = std::nextafter(0.5f, 1.0f);
  EXPECT_NE(revlora::fingerprint(adapter.view()), original);
}

TEST(Fingerprint, TellsTypesShapesAndZerosApart) {
  const auto of = []<class F>(F, std::ptrdiff_t rows, std::ptrdiff_t rank, std::ptrdiff_t cols,
                              float strength) {
    factors<F> adapter{matrix<F>(rows, rank), matrix<F>(rank, cols), strength};
    adapter.b.fill([](auto, auto) { return F{}; });
    adapter.a.fill([](auto, auto) { return F{}; });
    return revlora::fingerprint(adapter.view());
  };
  const std::uint64_t original = of(revlora::f16{}, 4, 2, 6, 0.0f);
  EXPECT_NE(of(revlora::bf16{}, 4, 2, 6, 0.0f), original);
  EXPECT_NE(of(revlora::f16{}, 6, 2, 4, 0.0f), original);
  EXPECT_NE(of(revlora::f16{}, 1, 4, 4, 0.0f), original);  // as many elements
  EXPECT_NE(of(revlora::f16{}, 4, 2, 6, -0.0f), original);
}

}  // namespace
}  // namespace tests
