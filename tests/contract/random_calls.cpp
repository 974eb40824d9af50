// Random calls of the whole interface, for sanitizers: shapes, layouts, types, lists, executors.
// What must be equal is compared by its bytes, what is around the elements included.
//
//   revlora_random_calls --seconds N    rounds for so long
//   revlora_random_calls --rounds N     so many
//   … --seed N                          beginning with this one, which is the last that was printed
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <revlora/revlora.hpp>

#include "check.hpp"
#include "random_scene.hpp"

namespace contract {
namespace {

using revlora::undo_record;
using revlora::weights_state;

template <class W>
struct merged {
  fenced_grid<W> w;
  undo_record record;
  revlora::merge_report report;

  template <class Executor>
  merged(const fenced_grid<W>& base, revlora::adapter_list list, const Executor& on)
      : w(base), report(revlora::merge(w.view(), list, record, on)) {}
};

template <class W>
void same(const fenced_grid<W>& expected, const fenced_grid<W>& got, const std::string& about) {
  const std::vector<W> all = expected.contents(), all_got = got.contents();
  CHECK_SAME_BYTES(std::as_bytes(std::span(all)), std::as_bytes(std::span(all_got)), about);
}
template <class W>
void same(const merged<W>& expected, const merged<W>& got, const std::string& about) {
  same(expected.w, got.w, about);
  CHECK_SAME_BYTES(expected.record.bytes(), got.record.bytes(), about);
  CHECK(expected.report.became_not_finite == got.report.became_not_finite, about);
}

/// Every verb on any executor, as on the calling thread.
template <class W>
void verbs(numbers& random, const random_scene<W>& scene, const std::string& about) {
  const any_list list(random, scene.pool);
  const any_executor on(random);
  const merged<W> expected(scene.base, list, revlora::serial{});
  const merged<W> got(scene.base, list, on);
  same(expected, got, about + ", merged");

  fenced_grid<W> w = scene.base;
  CHECK(revlora::merge(w.view(), list, on) == expected.report, about);
  same(expected.w, w, about + ", without a record");
  CHECK(revlora::validate(w.view(), list, got.record, on), about);
  CHECK(revlora::state_of(w.view(), got.record, on) == weights_state::merged, about);
  revlora::unmerge(w.view(), list, got.record, on);
  same(scene.base, w, about + ", unmerged");

  fenced_grid<W> to = w, back = w;
  undo_record record;
  revlora::merge(scene.base.view(), to.view(), list, on);
  same(expected.w, to, about + ", elsewhere");
  revlora::merge(scene.base.view(), to.view(), list, record, on);
  same(expected.w, to, about + ", elsewhere, with a record");
  CHECK_SAME_BYTES(expected.record.bytes(), record.bytes(), about);
  revlora::unmerge(expected.w.view(), back.view(), list, record, on);
  same(scene.base, back, about + ", unmerged elsewhere");

  revlora::subtract(expected.w.view(), back.view(), list, on);
  revlora::subtract(to.view(), list, revlora::serial{});
  same(back, to, about + ", subtracted");
}

/// After each swap: what a fresh merge makes; and in the end the base.
template <class W>
void swaps(numbers& random, const random_scene<W>& scene, const std::string& about) {
  any_list list(random, scene.pool);
  merged<W> now(scene.base, list, any_executor(random));
  for (std::uint32_t n = random.below(5); n > 0; --n) {
    any_list wanted(random, scene.pool);
    now.report = revlora::swap(now.w.view(), list, wanted, now.record, any_executor(random));
    list = wanted;
    same(merged<W>(scene.base, list, any_executor(random)), now, about + ", swapped");
  }
  revlora::unmerge(now.w.view(), list, now.record, any_executor(random));
  same(scene.base, now.w, about + ", unmerged after swaps");
}

/// Two threads, each with columns of its own of one matrix.
template <class W>
void slices(numbers& random, const random_scene<W>& scene, const std::string& about) {
  const any_list list(random, scene.pool);
  const merged<W> expected(scene.base, list, revlora::serial{});
  fenced_grid<W> w = scene.base;
  const std::ptrdiff_t cols = w.view().cols;
  const auto border =
      static_cast<std::ptrdiff_t>(random.below(static_cast<std::uint32_t>(cols) + 1));
  struct slice {
    revlora::matrix_view<W> w;
    any_list list;
    undo_record record;
  } both[2] = {{w.view().column_slice(0, border), {list, 0, border}, {}},
               {w.view().column_slice(border, cols - border), {list, border, cols - border}, {}}};
  const auto at_once = [&](const auto& does) {
    std::thread other([&] { does(both[0]); });
    does(both[1]);
    other.join();
  };
  at_once([](slice& its) { revlora::merge(its.w, its.list, its.record, revlora::serial{}); });
  same(expected.w, w, about + ", slices merged");
  at_once([](slice& its) { revlora::swap(its.w, its.list, {}, its.record, revlora::serial{}); });
  same(scene.base, w, about + ", slices swapped for nothing");
  at_once([](slice& its) { revlora::merge(its.w, its.list, revlora::serial{}); });
  same(expected.w, w, about + ", slices merged without a record");
}

template <class W>
void round_of(numbers& random, const std::string& about) {
  const random_scene<W> scene(random);
  const auto w = scene.base.view();
  const std::string what = about + ", " + std::to_string(w.rows) + "x" + std::to_string(w.cols) +
                           " " + revlora::name_of(revlora::element_type_of<W>);
  verbs(random, scene, what);
  swaps(random, scene, what);
  slices(random, scene, what);
}

void round(std::uint64_t seed) {
  // Before it is done: a sanitizer may end the program.
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  numbers random(seed);
  const std::string about = "seed " + std::to_string(seed);
  switch (random.below(5)) {
    case 0:
      return round_of<float>(random, about);
    case 1:
      return round_of<revlora::f16>(random, about);
    case 2:
      return round_of<revlora::e4m3>(random, about);
    case 3:
      return round_of<revlora::e5m2>(random, about);
    default:
      return round_of<revlora::bf16>(random, about);
  }
}

}  // namespace
}  // namespace contract

int main(int count, char** arguments) {
  const auto option = [&](const char* name, unsigned long long otherwise) {
    for (int i = 1; i + 1 < count; ++i)
      if (std::strcmp(arguments[i], name) == 0) return std::strtoull(arguments[i + 1], nullptr, 10);
    return otherwise;
  };
  const auto start = std::chrono::steady_clock::now();
  const std::chrono::seconds duration(option("--seconds", 0));
  const auto first = option("--seed", 1), rounds = option("--rounds", duration.count() > 0 ? 0 : 1);
  auto seed = first;
  const auto goes_on = [&] {
    return seed < first + rounds || std::chrono::steady_clock::now() - start < duration;
  };
  for (; goes_on() && contract::failures == 0; ++seed) contract::round(seed);
  std::printf("C++ %ld, %llu rounds of random calls\n", static_cast<long>(__cplusplus / 100),
              seed - first);
  return contract::failures == 0 ? 0 : 1;
}
