// Executors that throw, leave pieces out, or run them twice, at every piece of every pass: weights
// and record are as they were, or the merge is finished; never half of it.
#include "failing_executor.hpp"

#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

template <class W>
class ExecutorFailure : public testing::Test {
 protected:
  /// Several panels and blocks; of a rank for which plain merges go strip by strip.
  static constexpr std::ptrdiff_t rows = 35, cols = 140, rank = 2048;

  ExecutorFailure() {
    revlora::merge(merged.view(), list, record);
    revlora::merge(swapped.view(), wanted, swapped_record);
    revlora::subtract(subtracted.view(), list);
  }

  using verb = std::function<void(matrix<W>&, revlora::undo_record&, const failing&)>;

  /// A verb that leads from some weights and record to others, or leaves them as they are.
  void all_or_nothing(const matrix<W>& before, const revlora::undo_record& record_before,
                      const matrix<W>& after, const revlora::undo_record& record_after,
                      const verb& does) {
    for_each_failure([&](const failing& on) {
      matrix<W> w = before;
      revlora::undo_record its = record_before;
      const ending how = ending_of(on, [&] { does(w, its, on); });
      ASSERT_EQ(how, expected_of(on));
      const bool done = how == ending::done;
      ASSERT_TRUE(same_bits(done ? after : before, w));
      ASSERT_TRUE(same_bytes((done ? record_after : record_before).bytes(), its.bytes()));
      ASSERT_EQ(its.empty(), done ? record_after.empty() : record_before.empty());
      if (done) return;
      does(w, its, failing{fault::throws, -1, 0});  // the next one finds nothing amiss
      ASSERT_TRUE(same_bits(after, w));
      ASSERT_TRUE(same_bytes(record_after.bytes(), its.bytes()));
    });
  }

  /// A plain verb: nothing is written while the factors are packed; from then on it is finished.
  void finished_once_begun(const matrix<W>& after, const verb& does) {
    const int packing_calls = static_cast<int>(list.size());
    for_each_failure([&](const failing& on) {
      matrix<W> w = base;
      const ending how = ending_of(on, [&] { does(w, record, on); });
      ASSERT_EQ(how, on.call < packing_calls ? expected_of(on) : ending::done);
      ASSERT_TRUE(same_bits(how == ending::done ? after : base, w));
    });
  }

  engine random{1};
  const matrix<W> base = random_matrix<W>(random, rows, cols, kind::wild, 0.1f);
  const factors<float> first = random_factors<float>(random, rows, cols, 3, kind::normal, 0.1f, 1);
  const factors<revlora::f16> second =
      random_factors<revlora::f16>(random, rows, cols, 4, kind::normal, 0.1f, 1);
  const factors<float> deep =
      random_factors<float>(random, rows, cols, rank, kind::normal, 0.01f, 1);
  const std::vector<revlora::low_rank> list{first.view(), second.view()}, wanted{second.view()};
  matrix<W> merged = base, swapped = base, subtracted = base;
  revlora::undo_record record, swapped_record;
};
TYPED_TEST_SUITE(ExecutorFailure, weight_types, weight_name);

TYPED_TEST(ExecutorFailure, LeavesWeightsAndRecordAlone) {
  const revlora::undo_record none;
  const auto merge = [&](auto& w, auto& its, const auto& on) {
    revlora::merge(w.view(), this->list, its, on);
  };
  this->all_or_nothing(this->base, none, this->merged, this->record, merge);
  this->all_or_nothing(this->base, this->swapped_record, this->merged, this->record, merge);
  this->all_or_nothing(
      this->merged, this->record, this->base, this->record,
      [&](auto& w, auto& its, const auto& on) { revlora::unmerge(w.view(), this->list, its, on); });
  this->all_or_nothing(this->merged, this->record, this->swapped, this->swapped_record,
                       [&](auto& w, auto& its, const auto& on) {
                         revlora::swap(w.view(), this->list, this->wanted, its, on);
                       });
}

TYPED_TEST(ExecutorFailure, IsNoticedWhereNothingIsWritten) {
  const auto unchanged = [&](const auto& does) {
    this->all_or_nothing(this->merged, this->record, this->merged, this->record, does);
  };
  unchanged([&](auto& w, auto& its, const auto& on) {
    revlora::detail::require(revlora::validate(w.view(), this->list, its, on));
  });
  unchanged([&](auto& w, auto& its, const auto& on) {
    EXPECT_EQ(revlora::state_of(w.view(), its, on), revlora::weights_state::merged);
  });
}

TYPED_TEST(ExecutorFailure, IsWhatValidateReturns) {
  for_each_failure([&](const failing& on) {
    revlora::validation found;
    const ending how = ending_of(
        on, [&] { found = revlora::validate(this->merged.view(), this->list, this->record, on); });
    if (on.how == fault::throws) {
      ASSERT_EQ(how, expected_of(on));
    } else {
      ASSERT_EQ(how, ending::done);
      ASSERT_EQ(found.reason() == revlora::refusal::executor_failed, on.has_failed());
      if (on.has_failed()) {
        const std::ptrdiff_t all = on.how == fault::goes_too_far ? 2 : 1, none = 0;
        const bool skips = on.how == fault::leaves_out || on.how == fault::returns_at_once;
        const std::ptrdiff_t undone = on.how == fault::returns_at_once ? on.pieces + 1 : all;
        const std::string counts = "each of " + std::to_string(on.pieces + 1) + " pieces of work " +
                                   "once (" + std::to_string(skips ? undone : none) +
                                   " left undone, " + std::to_string(skips ? none : all) +
                                   " called again or beyond the last)";
        ASSERT_NE(found.text().find(counts), std::string::npos) << found.text();
      }
    }
  });
}

// The pass that finds out what is wrong with the weights may fail as well.
TYPED_TEST(ExecutorFailure, LeavesChangedWeightsAlone) {
  matrix<TypeParam> changed = this->merged;
  const auto flip = [](TypeParam& x) { reinterpret_cast<unsigned char&>(x) ^= 1; };
  flip(changed(34, 139));
  for_each_failure([&](const failing& on) {
    matrix<TypeParam> w = changed;
    const ending how =
        ending_of(on, [&] { revlora::unmerge(w.view(), this->list, this->record, on); });
    ASSERT_NE(how, ending::done);
    ASSERT_TRUE(same_bits(changed, w));
  });
}

TYPED_TEST(ExecutorFailure, DoesNotEndAPlainMergeHalfWay) {
  this->finished_once_begun(this->subtracted, [&](auto& w, auto&, const auto& on) {
    revlora::subtract(w.view(), this->list, on);
  });
  matrix<TypeParam> expected = this->base;
  const std::vector<revlora::low_rank> in_strips{this->first.view(), this->deep.view()};
  revlora::merge(expected.view(), in_strips);
  this->finished_once_begun(expected, [&](auto& w, auto&, const auto& on) {
    revlora::merge(w.view(), in_strips, on);
    ASSERT_GE(on.calls, 4) << "not strip by strip";
  });
}

TYPED_TEST(ExecutorFailure, IsThrownOutOfPlace) {
  const auto from = [](const matrix<TypeParam>& w) { return w.view(); };
  matrix<TypeParam> to = this->base;
  const auto noticed = [&](const auto& does) {
    this->all_or_nothing(this->merged, this->record, this->merged, this->record, does);
  };
  noticed(
      [&](auto& w, auto&, const auto& on) { revlora::merge(from(w), to.view(), this->list, on); });
  noticed([&](auto& w, auto&, const auto& on) {
    revlora::subtract(from(w), to.view(), this->list, on);
  });
  noticed([&](auto& w, auto&, const auto& on) {
    revlora::merge(from(w), to.view(), {}, on);
    ASSERT_TRUE(same_bits(this->merged, to));
  });
  noticed([&](auto& w, auto& its, const auto& on) {
    revlora::unmerge(from(w), to.view(), this->list, its, on);
    ASSERT_TRUE(same_bits(this->base, to));
  });
  noticed([&](auto&, auto& its, const auto& on) {
    revlora::merge(from(this->base), to.view(), this->list, its, on);
    ASSERT_TRUE(same_bits(this->merged, to));
  });
}

}  // namespace
}  // namespace tests
