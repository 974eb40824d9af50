// What is allocated, and what happens when it cannot be.
#include <new>

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

/// Bytes that a first and a second merge into one record allocate beyond what a plain merge does.
template <class W>
std::pair<std::size_t, std::size_t> allocated_for_record(std::ptrdiff_t rows) {
  engine random(1);
  const auto base = random_matrix<W>(random, rows, 640, kind::normal, 0.02f);
  const auto adapter = random_factors<float>(random, rows, 640, 1, kind::normal, 0.1f, 1);
  revlora::undo_record record;
  const auto allocated_by = [&](auto... maybe_record) {
    matrix<W> w = base;
    const std::size_t before = allocated_bytes;
    revlora::merge(w.view(), adapter.view(), maybe_record.get()..., revlora::serial{});
    return allocated_bytes - before;
  };
  const std::size_t plain = allocated_by();
  const std::size_t first = allocated_by(std::ref(record));
  const std::size_t second = allocated_by(std::ref(record));
  return {first - plain, second - plain};
}

// A call needs scratch for a panel of 16 rows; for each panel a byte, and an entry of the new
// record, because the old one lasts until that is finished. Only memory of the record itself grows
// further.
TYPED_TEST(Memory, OfARecordIsUsedAgain) {
  const auto [first_of_few, second_of_few] = allocated_for_record<TypeParam>(64);
  const auto [first_of_many, second_of_many] = allocated_for_record<TypeParam>(640);
  EXPECT_GT(first_of_many, 5 * (first_of_few - second_of_few));
  EXPECT_EQ(second_of_many,
            second_of_few + (640 - 64) / 16 * (1 + sizeof(revlora::detail::panel_entry)));
}

// The delta is computed block by block: what a merge allocates does not grow with W.
TYPED_TEST(Memory, HoldsNoFullSizeDelta) {
  const std::size_t before = allocated_bytes;
  revlora::merge(this->base.view(), this->list, revlora::serial{});
  EXPECT_LT(allocated_bytes - before, static_cast<std::size_t>(this->base.size()));
}

/// Calls `verb` with the first allocation failing, then with the second, … until none fails. After
/// each failure the weights must be `before`, afterwards `after`.
template <class W, class Verb>
void expect_all_or_nothing(const matrix<W>& before, const matrix<W>& after, Verb verb) {
  matrix<W> w = before;
  for (long k = 0;; ++k) {
    ASSERT_LT(k, 10000) << "allocates without end";
    bool failed = false;
    fail_at = k;
    try {
      verb(w);
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
    expect_all_or_nothing(this->base, merged, [&](auto& w) {
      revlora::undo_record fresh;
      revlora::merge(w.view(), this->list, fresh, executor);
    });
    expect_all_or_nothing(this->base, merged,
                          [&](auto& w) { revlora::merge(w.view(), this->list, executor); });
    expect_all_or_nothing(merged, this->base, [&](auto& w) {
      revlora::unmerge(w.view(), this->list, record, executor);
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
  expect_all_or_nothing(this->base, merged, [&](auto& w) {
    revlora::undo_record fresh;
    throws_no_memory(revlora::try_merge(w.view(), this->list, fresh, on));
  });
  expect_all_or_nothing(this->base, merged, [&](auto& w) {
    throws_no_memory(revlora::try_merge(w.view(), this->list, on));
  });
  expect_all_or_nothing(merged, this->base, [&](auto& w) {
    throws_no_memory(revlora::try_unmerge(w.view(), this->list, record, on));
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
      fail_at = k;
      try {
        revlora::swap(w.view(), this->list, wanted, record, executor);
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
    fail_at = k;
    try {
      revlora::merge(w.view(), this->list, record, revlora::serial{});
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
