// Executors that throw, leave pieces out, or run them twice, at every piece of every pass: weights
// and record are as they were, or the merge is finished; never half of it.
#include <exception>
#include <functional>
#include <string>
#include <thread>

#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

enum class fault {
  throws,           ///< after some pieces
  leaves_out,       ///< a piece
  repeats,          ///< a piece, later on
  runs_on_two,      ///< threads at a time
  goes_too_far,     ///< beyond the last piece and before the first
  returns_at_once,  ///< and does nothing
};
constexpr fault all_faults[] = {fault::throws,      fault::leaves_out,   fault::repeats,
                                fault::runs_on_two, fault::goes_too_far, fault::returns_at_once};

struct thread_creation_failed {};

/// Fails in one of its calls, at one of the pieces.
struct failing {
  fault how;
  int call;
  std::ptrdiff_t piece;
  std::exception_ptr thrown = std::make_exception_ptr(thread_creation_failed());

  mutable int calls = 0;
  mutable std::ptrdiff_t pieces = -1;  ///< of the call in which it fails

  bool has_failed() const { return piece <= pieces; }

  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    if (calls++ != call) return revlora::serial{}.parallel_for(count, body);
    // An exception may come before the first piece and behind the last; other faults have a piece.
    pieces = how == fault::throws ? count : count - 1;
    if (how == fault::returns_at_once && piece < count) return;
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      if (i == piece && how == fault::throws) std::rethrow_exception(thrown);
      if (i == piece && how == fault::leaves_out) continue;
      if (i == piece && how == fault::runs_on_two) {
        std::thread other([&] { body(i); });
        body(i);
        other.join();
        continue;
      }
      body(i);
    }
    if (piece == count && how == fault::throws) std::rethrow_exception(thrown);
    if (how == fault::repeats && piece < count) body(piece);
    if (how == fault::goes_too_far && piece < count) {
      body(count);
      body(-1);
    }
  }
};

/// How a call ended.
enum class ending { done, same_exception, executor_failed, another_exception };

ending ending_of(const failing& on, const std::function<void()>& call) {
  try {
    call();
  } catch (const revlora::executor_failed&) {
    return ending::executor_failed;
  } catch (...) {
    return std::current_exception() == on.thrown ? ending::same_exception
                                                 : ending::another_exception;
  }
  return ending::done;
}

ending expected_of(const failing& on) {
  if (!on.has_failed()) return ending::done;
  return on.how == fault::throws ? ending::same_exception : ending::executor_failed;
}

/// Calls `visit(executor)` with one that fails at every piece of every call in every way; `visit`
/// returns true if it went on as if nothing had happened.
void for_each_failure(const std::function<void(const failing&)>& visit) {
  for (const fault how : all_faults) {
    bool has_call = true;
    int tried = 0;
    for (int call = 0; has_call; ++call) {
      bool has_piece = true;
      for (std::ptrdiff_t piece = 0; has_piece; ++piece) {
        const failing on{how, call, piece};
        SCOPED_TRACE("fault " + std::to_string(static_cast<int>(how)) + " in call " +
                     std::to_string(call) + " at piece " + std::to_string(piece));
        visit(on);
        if (testing::Test::HasFatalFailure()) return;
        has_call = on.calls > call;
        has_piece = on.has_failed();
        tried += on.has_failed();
      }
    }
    ASSERT_GE(tried, 3) << "nothing failed: nothing was tested";
  }
}

template <class W>
class ExecutorFailure : public testing::Test {
 protected:
  /// Several panels and blocks; of a rank for which plain merges go strip by strip.
  static constexpr std::ptrdiff_t rows = 35, cols = 140, rank = 2048;

  ExecutorFailure() {
    revlora::merge(merged.view(), list, record);
    revlora::merge(swapped.view(), wanted, swapped_record);
    revlora::unmerge(subtracted.view(), list);
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
  unchanged(
      [&](auto& w, auto& its, const auto& on) { revlora::verify(w.view(), this->list, its, on); });
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
    revlora::unmerge(w.view(), this->list, on);
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
    revlora::unmerge(from(w), to.view(), this->list, on);
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
