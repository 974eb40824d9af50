// revlora::dispatch: which instruction sets there are, which one is used, what is refused.
//
// That all of them give the same bits is tested by the other files of this executable, by way of
// dispatched_archs.hpp.
#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "../executors.hpp"
#include "../golden_scene.hpp"
#include "../paths.hpp"
#include "../refusal.hpp"

#ifdef XSIMD_VERSION_MAJOR
#error "files that use revlora::dispatch should not need xsimd"
#endif

namespace tests {
namespace {

using revlora::dispatch::best;
using revlora::dispatch::instruction_set;
using revlora::dispatch::on;

#if defined(__aarch64__)
constexpr instruction_set least = instruction_set::neon, foreign = instruction_set::avx2;
#else
constexpr instruction_set least = instruction_set::sse2, foreign = instruction_set::neon;
#endif

TEST(Dispatch, OffersWhatRunsHereFromTheLeastToTheBest) {
  const auto sets = revlora::dispatch::available();
  ASSERT_FALSE(sets.empty());
  EXPECT_EQ(sets.front(), least);
  EXPECT_TRUE(std::is_sorted(sets.begin(), sets.end()));
  for (int i = 0; i <= static_cast<int>(instruction_set::neon); ++i) {
    const auto set = static_cast<instruction_set>(i);
    EXPECT_EQ(std::find(sets.begin(), sets.end(), set) != sets.end(),
              revlora::dispatch::runs_here(set))
        << revlora::dispatch::name_of(set);
  }
}

TEST(Dispatch, ChoosesTheBestOrWhatTheEnvironmentNames) {
  const char* const named = std::getenv("REVLORA_ISA");
  auto sets = revlora::dispatch::available();
#if defined(__x86_64__)
  // Where VDPBF16PS is slow it is only for who asks for it.
  if (__builtin_cpu_is("intel")) std::erase(sets, instruction_set::avx512bf16);
#endif
  const instruction_set expected_best = sets.back();
  EXPECT_STREQ(revlora::dispatch::name_of(revlora::dispatch::chosen()),
               named != nullptr ? named : revlora::dispatch::name_of(expected_best));
  static_assert(std::is_same_v<revlora::default_target, best>);
  EXPECT_EQ(&best::kernels(), &revlora::dispatch::kernels(revlora::dispatch::chosen()));
  EXPECT_EQ(&on<least>::kernels(), &revlora::dispatch::kernels(least));
}

TEST(Dispatch, RefusesASetThatDoesNotRunHereAndLeavesTheWeights) {
  golden_scene<float> scene;
  matrix<float> w = scene.base;
  const std::string pattern =
      std::string(revlora::dispatch::name_of(foreign)) +
      " does not run here; possible here: " + revlora::dispatch::name_of(least);
  EXPECT_TRUE(refuses<std::runtime_error>(
      w, pattern, [&] { revlora::merge<on<foreign>>(w.view(), scene.list); }));
}

/// The numbers of the scene are the same on every machine, and the oracle needs no instruction set:
/// so is what is expected here, under an emulator too.
template <class W, class F>
void expect_every_verb_on_every_set_to_agree() {
  golden_scene<W> scene;
  const auto fill_bell = [&](matrix<F>& m) {
    m.fill([&](auto, auto) { return draw_bell<F>(scene.random, 0.1f); });
  };
  factors<F> adapter{matrix<F>(35, 37), matrix<F>(37, 150), 0.125f};
  fill_bell(adapter.b);
  fill_bell(adapter.a);
  const std::vector<revlora::low_rank> list{adapter.view(), scene.first.view()};
  matrix<W> expected = scene.base;
  oracle::merge(expected.view(), list);

  revlora::undo_record fresh;
  matrix<W> merged = scene.base;
  revlora::merge(merged.view(), list, fresh);
  ASSERT_TRUE(same_bits(expected, merged)) << "by default";
  for (const path<W>& p : paths<W>()) {
    matrix<W> w = scene.base;
    revlora::undo_record record;
    p.merge_recorded(w.view(), scene.list, record, on_this_thread());
    p.swap(w.view(), scene.list, list, record, on_this_thread());
    ASSERT_TRUE(same_bits(expected, w)) << "swapped on " << p.name;
    ASSERT_TRUE(same_bytes(fresh.bytes(), record.bytes())) << "swapped on " << p.name;
    p.restore(w.view(), list, fresh, on_this_thread());
    ASSERT_TRUE(same_bits(scene.base, w)) << "unmerged on " << p.name;
    p.merge(w.view(), list, on_this_thread());
    ASSERT_TRUE(same_bits(expected, w)) << "merged on " << p.name;
  }
  revlora::unmerge(merged.view(), list, fresh);
  ASSERT_TRUE(same_bits(scene.base, merged)) << "by default";
}

template <class W>
class DispatchedVerbs : public testing::Test {};
TYPED_TEST_SUITE(DispatchedVerbs, weight_types, weight_name);

TYPED_TEST(DispatchedVerbs, AgreeForEveryTypeOfFactors) {
  expect_every_verb_on_every_set_to_agree<TypeParam, float>();
  expect_every_verb_on_every_set_to_agree<TypeParam, revlora::f16>();
  expect_every_verb_on_every_set_to_agree<TypeParam, revlora::bf16>();
}

}  // namespace
}  // namespace tests
