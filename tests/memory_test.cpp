// What is allocated, and what happens when it cannot be.
#include <functional>
#include <new>
#include <thread>

#include "executors.hpp"
#include "failing_memory.hpp"
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

template <class W>
class Memory : public testing::Test {
 protected:
  engine random{1};
  matrix<W> base = random_matrix<W>(random, 200, 640, kind::normal, 0.02f);
  factors<float> adapter = random_factors<float>(random, 200, 640, 1, kind::normal, 0.1f, 1);
  factors<revlora::bf16> another =
      random_factors<revlora::bf16>(random, 200, 640, 2, kind::normal, 0.1f, 1);
  std::vector<revlora::low_rank> list{adapter.view()};
};
TYPED_TEST_SUITE(Memory, weight_types, weight_name);

/// Every verb once, and all that it needs.
template <class W>
struct round_of_verbs {
  engine random{1};
  matrix<W> base;
  factors<float> one;
  factors<revlora::bf16> other;
  matrix<W> w, elsewhere;
  revlora::undo_record record;

  round_of_verbs(std::ptrdiff_t rows, std::ptrdiff_t cols)
      : base(random_matrix<W>(random, rows, cols, kind::normal, 0.02f)),
        one(random_factors<float>(random, rows, cols, 4, kind::normal, 0.1f, 1)),
        other(random_factors<revlora::bf16>(random, rows, cols, 2, kind::normal, 0.1f, 1)),
        w(base),
        elsewhere(base) {}

  template <class Executor>
  void run(const Executor& on, revlora::workspace* kept) {
    const auto first = one.view(), second = other.view();
    const revlora::hadamard both({first.b(), first.a()}, {first.b(), first.a()}, 0.5);
    revlora::merge(w.view(), elsewhere.view(), first, on, kept);
    revlora::subtract(elsewhere.view(), first, on, kept);
    revlora::merge(w.view(), {first, second}, record, on, kept);
    ASSERT_EQ(revlora::state_of(w.view(), record, on, kept), revlora::weights_state::merged);
    ASSERT_TRUE(revlora::validate(w.view(), {first, second}, record, on, kept));
    revlora::swap(w.view(), {first, second}, both, record, on, kept);
    revlora::unmerge(w.view(), elsewhere.view(), both, record, on, kept);
    revlora::unmerge(w.view(), both, record, on, kept);
    ASSERT_TRUE(same_bits(base, w));
    ASSERT_TRUE(same_bits(base, elsewhere));
  }

  /// How many allocations a round takes that is not the first.
  template <class Executor>
  long allocations_when_settled(const Executor& on, revlora::workspace* kept) {
    run(on, kept);
    const long before = allocations;
    run(on, kept);
    return allocations - before;
  }
};

TYPED_TEST(Memory, IsAllocatedOnceIfAWorkspaceKeepsIt) {
  for (const auto& [rows, cols] : {std::pair{5, 7}, {200, 640}, {300, 4100}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << cols);
    revlora::workspace kept, kept_by_team;
    round_of_verbs<TypeParam> verbs(rows, cols);
    EXPECT_EQ(verbs.allocations_when_settled(revlora::serial{}, &kept), 0);
#ifdef _OPENMP
    EXPECT_EQ(verbs.allocations_when_settled(revlora::openmp{3}, &kept_by_team), 0);
#endif
  }
}

TYPED_TEST(Memory, IsAllocatedOnceByAThreadForSmallMatrices) {
  for (const std::ptrdiff_t size : {128, 1024}) {
    SCOPED_TRACE(testing::Message() << size << " x " << size);
    round_of_verbs<TypeParam> verbs(size, size);
    EXPECT_EQ(verbs.allocations_when_settled(revlora::serial{}, nullptr), 0);
#ifdef _OPENMP
    EXPECT_EQ(verbs.allocations_when_settled(revlora::openmp{2}, nullptr), 0);
#endif
  }
}

// Also if others of its calls need much, and none of it longer than it lives.
TYPED_TEST(Memory, ThatAThreadKeepsIsLimited) {
  round_of_verbs<TypeParam> large(64, 40000), small(64, 64);
  const std::size_t before = live_bytes;
  std::thread([&] {
    for (int i = 0; i < 2; ++i) {
      large.run(revlora::serial{}, nullptr);
      large.record = {};
      EXPECT_LT(live_bytes - before, (std::size_t{4} << 20) + 20000);
    }
    EXPECT_EQ(small.allocations_when_settled(revlora::serial{}, nullptr), 0);
    small.record = {};
  }).join();
  EXPECT_LE(live_bytes, before);
}

TYPED_TEST(Memory, OfAWorkspaceIsFreedWithIt) {
  round_of_verbs<TypeParam> verbs(200, 640);
  const std::size_t before = live_bytes;
  {
    revlora::workspace kept;
    verbs.run(revlora::serial{}, &kept);
    verbs.record = {};
    const std::size_t held = live_bytes;
    EXPECT_GT(held, before);
    revlora::workspace taken = std::move(kept);
    EXPECT_EQ(live_bytes, held);
    kept = std::move(taken);
    EXPECT_EQ(live_bytes, held);
    kept = {};
    EXPECT_EQ(live_bytes, before);
    verbs.run(revlora::serial{}, &kept);
    verbs.record = {};
  }
  EXPECT_EQ(live_bytes, before);
}

/// An executor that does other work before it begins, on the same thread.
struct busy_elsewhere {
  std::function<void()> other_work;

  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    other_work();
    revlora::serial{}.parallel_for(count, body);
  }
};

TYPED_TEST(Memory, OfACallInsideAnotherIsItsOwn) {
  revlora::workspace kept;
  for (revlora::workspace* const memory : {&kept, static_cast<revlora::workspace*>(nullptr)}) {
    round_of_verbs<TypeParam> outer(70, 200), inner(200, 640);
    outer.run(busy_elsewhere{[&] { inner.run(revlora::serial{}, memory); }}, memory);
  }
}

// Bytes, and what is said of each panel and adapter: once, and no more than that.
TYPED_TEST(Memory, OfAFreshRecordIsAllocatedOnce) {
  revlora::workspace kept;
  matrix<TypeParam> w = this->base;
  std::size_t allocated = 0;
  for (int i = 0; i < 2; ++i) {
    w = this->base;
    revlora::undo_record record;
    const std::size_t before = allocated_bytes;
    revlora::merge(w.view(), this->list, record, revlora::serial{}, &kept);
    allocated = allocated_bytes - before;
    if (i == 0) continue;
    EXPECT_EQ(allocated, record.size_bytes() + 13 * sizeof(revlora::detail::panel_entry) +
                             sizeof(std::uint64_t) + sizeof(revlora::detail::record_contents));
  }
}

// The delta is computed block by block: what a merge allocates does not grow with W.
TYPED_TEST(Memory, HoldsNoFullSizeDelta) {
  revlora::workspace fresh;
  const std::size_t before = allocated_bytes;
  revlora::merge(this->base.view(), this->list, revlora::serial{}, &fresh);
  EXPECT_LT(allocated_bytes - before, static_cast<std::size_t>(this->base.size()));
}

/// Calls `verb` with a workspace that keeps nothing yet, and the first allocation failing, then
/// with the second, … until none fails. After each failure the weights must be `before`, afterwards
/// `after`.
template <class W, class Verb>
void expect_all_or_nothing(const matrix<W>& before, const matrix<W>& after, Verb verb) {
  matrix<W> w = before;
  for (long k = 0;; ++k) {
    ASSERT_LT(k, 10000) << "allocates without end";
    bool failed = false;
    revlora::workspace fresh_memory;
    fail_at = k;
    try {
      verb(w, &fresh_memory);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    const bool reached = fail_at < 0;
    fail_at = -1;
    if (failed) {
      ASSERT_TRUE(same_bits(before, w)) << "after the failure of allocation " << k;
    } else {
      ASSERT_TRUE(same_bits(after, w)) << "allocation " << k << " failed, and nobody said so";
    }
    if (!reached) {
      ASSERT_GT(k, 0) << "allocates nothing: nothing was tested";
      return;
    }
    w = before;
  }
}

TYPED_TEST(Memory, RunningOutLeavesTheWeightsAlone) {
  matrix<TypeParam> merged = this->base;
  revlora::undo_record record;
  revlora::merge(merged.view(), this->list, record);
  const auto verbs = [&](const auto& executor) {
    expect_all_or_nothing(this->base, merged, [&](auto& w, auto* memory) {
      revlora::undo_record fresh;
      revlora::merge(w.view(), this->list, fresh, executor, memory);
    });
    expect_all_or_nothing(this->base, merged, [&](auto& w, auto* memory) {
      revlora::merge(w.view(), this->list, executor, memory);
    });
    expect_all_or_nothing(merged, this->base, [&](auto& w, auto* memory) {
      revlora::unmerge(w.view(), this->list, record, executor, memory);
    });
  };
  verbs(revlora::serial{});
#ifdef _OPENMP
  verbs(revlora::openmp{2});
#endif
}

TYPED_TEST(Memory, RunningOutIsACodeWhereCodesAreWanted) {
  matrix<TypeParam> merged = this->base;
  revlora::undo_record record;
  revlora::merge(merged.view(), this->list, record);
  const auto throws_no_memory = [](const revlora::validation& found) {
    if (found.reason() == revlora::refusal::out_of_memory) throw std::bad_alloc();
    ASSERT_TRUE(found) << found.text();
  };
  const revlora::serial on;
  expect_all_or_nothing(this->base, merged, [&](auto& w, auto* memory) {
    revlora::undo_record fresh;
    throws_no_memory(revlora::try_merge(w.view(), this->list, fresh, on, memory));
  });
  expect_all_or_nothing(this->base, merged, [&](auto& w, auto* memory) {
    throws_no_memory(revlora::try_merge(w.view(), this->list, on, memory));
  });
  expect_all_or_nothing(merged, this->base, [&](auto& w, auto* memory) {
    throws_no_memory(revlora::try_unmerge(w.view(), this->list, record, on, memory));
  });
  fail_at = 0;
  revlora::undo_record copy;
  EXPECT_EQ(revlora::undo_record::try_from_bytes(record.bytes(), copy).reason(),
            revlora::refusal::out_of_memory);
  fail_at = -1;
  EXPECT_TRUE(copy.empty());
}

// Panels that were swapped already are swapped back, and the record is still that of the old list.
TYPED_TEST(Memory, RunningOutInASwapLeavesWeightsAndRecordAlone) {
  const std::vector<revlora::low_rank> wanted{this->another.view(), this->adapter.view()};
  matrix<TypeParam> merged = this->base, swapped = this->base;
  revlora::undo_record old_record, new_record;
  revlora::merge(merged.view(), this->list, old_record);
  revlora::merge(swapped.view(), wanted, new_record);
  const auto try_on = [&](const auto& executor) {
    bool reached = true;
    for (long k = 0; reached; ++k) {
      ASSERT_LT(k, 10000) << "allocates without end";
      matrix<TypeParam> w = merged;
      revlora::undo_record record = old_record;
      bool failed = false;
      revlora::workspace fresh;
      fail_at = k;
      try {
        revlora::swap(w.view(), this->list, wanted, record, executor, &fresh);
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      reached = fail_at < 0;
      fail_at = -1;
      ASSERT_TRUE(same_bits(failed ? merged : swapped, w)) << "allocation " << k;
      const revlora::undo_record& expected = failed ? old_record : new_record;
      ASSERT_TRUE(same_bytes(expected.bytes(), record.bytes())) << "allocation " << k;
      revlora::detail::require(revlora::validate(w.view(), failed ? this->list : wanted, record));
    }
  };
  try_on(revlora::serial{});
#ifdef _OPENMP
  try_on(revlora::openmp{2});
#endif
}

// The record of an earlier merge lasts until the new one is finished.
TYPED_TEST(Memory, RunningOutLeavesTheRecordAlone) {
  matrix<TypeParam> other = this->base, merged = this->base;
  revlora::undo_record earlier, expected;
  revlora::merge(other.view(), this->another.view(), earlier);
  revlora::merge(merged.view(), this->list, expected);
  bool reached = true;
  for (long k = 0; reached; ++k) {
    ASSERT_LT(k, 10000) << "allocates without end";
    matrix<TypeParam> w = this->base;
    revlora::undo_record record = earlier;
    bool failed = false;
    revlora::workspace fresh;
    fail_at = k;
    try {
      revlora::merge(w.view(), this->list, record, revlora::serial{}, &fresh);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    reached = fail_at < 0;
    fail_at = -1;
    ASSERT_TRUE(same_bytes((failed ? earlier : expected).bytes(), record.bytes()))
        << "after the failure of allocation " << k;
    w = failed ? other : w;
    revlora::unmerge(w.view(), failed ? this->another.view() : this->list[0], record);
    ASSERT_TRUE(same_bits(this->base, w)) << "after the failure of allocation " << k;
  }
}

// Neither a million adapters nor the panels of 2²⁴ rows.
TEST(MemoryOfReading, IsNoMoreThanTheBytesJustify) {
  for (const auto& [rows, adapters] : {std::pair{16u, 1u << 20}, {1u << 24, 0u}}) {
    std::byte bytes[200] = {};
    revlora::detail::byte_writer out(bytes);
    out.put("RVU", 3);
    out.put(revlora::detail::format_version);
    out.put("\0\0\1", 3);
    for (const std::uint64_t number : {rows, 16u, adapters}) out.put_varint(number);
    const std::size_t before = allocated_bytes;
    EXPECT_THROW(revlora::undo_record::from_bytes(bytes), revlora::record_refused);
    EXPECT_LT(allocated_bytes - before, 2000u) << rows << " rows, " << adapters << " adapters";
  }
}

}  // namespace
}  // namespace tests
