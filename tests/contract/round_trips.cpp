// Merge and unmerge, swap, and what says where the weights are, for all types, shapes around the
// edges of blocks, and bit patterns of every kind: every bit comes back, whoever runs the pieces.
#include <string>
#include <type_traits>
#include <vector>

#include "check.hpp"
#include "executors.hpp"
#include "grid.hpp"
#include "sections.hpp"

namespace contract {
namespace {

using revlora::adapter_list;
using revlora::undo_record;
using revlora::weights_state;

/// What a merge gave.
template <class W>
struct merged {
  grid<W> w;
  undo_record record;
  revlora::merge_report report;

  template <class Executor>
  merged(const grid<W>& base, adapter_list adapters, const Executor& executor)
      : w(base), report(revlora::merge(w.view(), adapters, record, executor)) {}
};

template <class W>
void same(const merged<W>& expected, const merged<W>& got, const std::string& about) {
  CHECK_SAME_BYTES(expected.w.bytes(), got.w.bytes(), about);
  CHECK_SAME_BYTES(expected.record.bytes(), got.record.bytes(), about);
  CHECK(expected.report.became_not_finite == got.report.became_not_finite, about);
}

/// All that is true of one base and one list, whoever runs the pieces.
template <class W, class Executor>
void holds(const grid<W>& base, adapter_list adapters, const merged<W>& expected,
           const Executor& executor, const std::string& about) {
  merged<W> now(base, adapters, executor);
  same(expected, now, about);

  grid<W> plain = base;
  CHECK(revlora::merge(plain.view(), adapters, executor) == now.report, about);
  CHECK_SAME_BYTES(now.w.bytes(), plain.bytes(), about);

  const undo_record stored = undo_record::from_bytes(now.record.to_bytes());
  CHECK(revlora::state_of(now.w.view(), stored, executor) == weights_state::merged, about);
  revlora::detail::require(revlora::validate(now.w.view(), adapters, stored, executor));

  // To the first adapter alone and back again: as if that had been merged at once.
  const adapter_list first(adapters[0], adapters.recipe());
  const merged<W> only_first(base, first, executor);
  now.report = revlora::swap(now.w.view(), adapters, first, now.record, executor);
  same(only_first, now, about);
  now.report = revlora::swap(now.w.view(), first, adapters, now.record, executor);
  same(expected, now, about);

  revlora::unmerge(now.w.view(), adapters, stored, executor);
  CHECK_SAME_BYTES(base.bytes(), now.w.bytes(), about);
  const weights_state state = revlora::state_of(now.w.view(), stored, executor);
  const bool unchanged = contract::difference(base.bytes(), expected.w.bytes()).empty();
  CHECK(state == (unchanged ? weights_state::merged : weights_state::base), about);
}

/// The same from one matrix to another.
template <class W>
void holds_elsewhere(const grid<W>& base, adapter_list adapters, const merged<W>& expected,
                     const std::string& about) {
  grid<W> to = base;
  undo_record record;
  revlora::merge(base.view(), to.view(), adapters, record);
  CHECK_SAME_BYTES(expected.w.bytes(), to.bytes(), about);
  CHECK_SAME_BYTES(expected.record.bytes(), record.bytes(), about);
  grid<W> back = expected.w;
  revlora::unmerge(std::as_const(to).view(), back.view(), adapters, record);
  CHECK_SAME_BYTES(base.bytes(), back.bytes(), about);
}

/// The recipe nan is the same as fused where there is an infinity.
template <class W>
std::vector<revlora::recipe> recipes_of() {
  std::vector<revlora::recipe> recipes{revlora::recipe::fused, revlora::recipe::rounded_delta};
  if (std::is_same_v<W, revlora::e4m3>) recipes.push_back(revlora::recipe::nan);
  return recipes;
}

template <class W, class F>
void round_trip(numbers& random, std::ptrdiff_t rows, std::ptrdiff_t cols) {
  using other = std::conditional_t<std::is_same_v<F, float>, revlora::bf16, float>;
  struct {
    pattern weights, numbers;
  } const kinds[] = {{pattern::ordinary, pattern::ordinary},
                     {pattern::any, pattern::ordinary},
                     {pattern::any, pattern::any}};
  for (const auto& kind : kinds) {
    const auto gap = static_cast<std::ptrdiff_t>(random.below(4));
    const grid<W> base(random, kind.weights, rows, cols, gap);
    const factors<F> first(random, kind.numbers, rows, cols, 1 + random.below(40), 0.0625f);
    const factors<other> second(random, kind.numbers, rows, cols, random.below(4), -0.5f);
    const std::vector<revlora::low_rank> list{first.view(), second.view()};
    for (const auto how : recipes_of<W>()) {
      const std::string about = std::string(revlora::name_of(revlora::element_type_of<W>)) +
                                " weights, " + revlora::name_of(revlora::element_type_of<F>) +
                                " factors of rank " + std::to_string(first.a.view().rows) + ", " +
                                std::to_string(rows) + "x" + std::to_string(cols) + ", " +
                                revlora::name_of(how);
      const adapter_list adapters(list, how);
      const merged<W> expected(base, adapters, revlora::serial{});
      holds(base, adapters, expected, revlora::serial{}, about + ", serial");
      holds(base, adapters, expected, on_threads{}, about + ", std::threads");
      holds_elsewhere(base, adapters, expected, about + ", elsewhere");
    }
  }
}

/// Wide enough that an OpenMP team is worth its waking.
template <class W>
void round_trip_of_many(numbers& random) {
  const grid<W> base(random, pattern::ordinary, 130, 300, 5);
  const factors<W> adapter(random, pattern::ordinary, 130, 300, 33, 0.125f);
  const merged<W> expected(base, adapter.view(), revlora::serial{});
  holds(base, adapter.view(), expected, revlora::default_executor{}, "130x300, default executor");
}

template <class W>
void round_trips_of() {
  numbers random(1);
  for (const std::ptrdiff_t rows : {1, 15, 16, 17, 33}) {
    for (const std::ptrdiff_t cols : {1, 63, 64, 65, 130}) {
      round_trip<W, float>(random, rows, cols);
      if constexpr (sizeof(W) == 1) {  // two types of factors are enough: an emulator is slow
        round_trip<W, revlora::e4m3>(random, rows, cols);
      } else {
        round_trip<W, revlora::f16>(random, rows, cols);
        round_trip<W, revlora::bf16>(random, rows, cols);
      }
    }
  }
  round_trip_of_many<W>(random);
}

}  // namespace

void round_trips() {
  round_trips_of<float>();
  round_trips_of<revlora::f16>();
  round_trips_of<revlora::bf16>();
  round_trips_of<revlora::e4m3>();
  round_trips_of<revlora::e5m2>();
}

}  // namespace contract
