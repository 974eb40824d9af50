// Whatever the caller did to the floating-point environment: the same bytes, and it is left alone.
#include <cfenv>
#include <functional>

#include "executors.hpp"
#include "paths.hpp"
#include "values.hpp"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tests {
namespace {

/// Weights and adapters for which flushing or another rounding direction would show everywhere.
template <class W>
struct scene {
  matrix<W> base{33, 70};
  std::vector<factors<float>> adapters;
  std::vector<revlora::low_rank> list;
  matrix<W> merged{33, 70};
  matrix<W> subtracted{33, 70};
  revlora::undo_record record;

  scene() {
    engine random(1);
    fill(base, random, kind::wild, 0.02f);
    adapters.push_back(random_factors<float>(random, 33, 70, 35, kind::normal, 0.1f, 0.3f));
    adapters.push_back(random_factors<float>(random, 33, 70, 3, kind::subnormal, 1, 1e30f));
    adapters.push_back(random_factors<float>(random, 33, 70, 4, kind::normal, 1e18f, 0x1p-140f));
    for (const auto& adapter : adapters) list.push_back(adapter.view());
    merged = subtracted = base;
    const path<W> p = paths<W>().front();
    p.merge_recorded(merged.view(), list, record, on_this_thread());
    p.subtract(subtracted.view(), list, on_this_thread());
  }
};

/// Runs `call` in a floating-point mode and says whether the mode was still the same afterwards.
/// Only the call itself happens in the mode: nothing of the test that would calculate.
using call = std::function<void()>;
using in_mode = std::function<testing::AssertionResult(const call&)>;

/// All verbs on all paths, until the first that gives other bytes or leaves another mode behind.
template <class W>
testing::AssertionResult gives_the_same_bytes(const scene<W>& s, const runner& on,
                                              const in_mode& run) {
  for (const path<W>& p : paths<W>()) {
    matrix<W> w = s.base;
    revlora::undo_record record, swapped;
    p.merge_recorded(w.view(), {}, swapped, on);
    struct step {
      const char* name;
      call verb;
      const matrix<W>& start;
      const matrix<W>& expected;
    };
    const step steps[] = {
        {"merge", [&] { p.merge(w.view(), s.list, on); }, s.base, s.merged},
        {"recorded merge", [&] { p.merge_recorded(w.view(), s.list, record, on); }, s.base,
         s.merged},
        {"exact unmerge", [&] { p.restore(w.view(), s.list, s.record, on); }, s.merged, s.base},
        {"validate", [&] { revlora::detail::require(p.validate(w.view(), s.list, s.record, on)); },
         s.merged, s.merged},
        {"swap", [&] { p.swap(w.view(), {}, s.list, swapped, on); }, s.base, s.merged},
        {"rounded unmerge", [&] { p.subtract(w.view(), s.list, on); }, s.base, s.subtracted},
    };
    for (const step& each : steps) {
      const auto failed = [&](const testing::AssertionResult& why) {
        return testing::AssertionFailure()
               << each.name << " on " << p.name << ": " << why.message();
      };
      w = each.start;
      if (auto kept = run(each.verb); !kept) return failed(kept);
      if (auto same = same_bits(each.expected, w); !same) return failed(same);
    }
    if (auto same = same_bytes(s.record.bytes(), record.bytes()); !same) {
      return testing::AssertionFailure() << "record on " << p.name << ": " << same.message();
    }
  }
  return testing::AssertionSuccess();
}

template <class W>
class FloatMode : public testing::Test {};
TYPED_TEST_SUITE(FloatMode, weight_types, weight_name);

[[gnu::noinline]] testing::AssertionResult in_rounding_direction(int direction, const call& f) {
  const int before = std::fegetround();
  std::fesetround(direction);
  f();
  const int after = std::fegetround();
  std::fesetround(before);
  if (after == direction) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the rounding direction became " << after;
}

TYPED_TEST(FloatMode, RoundingDirectionDoesNotMatterAndIsRestored) {
  const scene<TypeParam> s;
  for (const int direction : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    for (const runner& on : {on_this_thread(), on_threads_backwards(2)}) {
      ASSERT_TRUE(gives_the_same_bytes(
          s, on, [&](const call& f) { return in_rounding_direction(direction, f); }))
          << "rounding direction " << direction;
    }
  }
}

#if defined(__x86_64__)

/// MXCSR after the call, in which it was `mode`.
[[gnu::noinline]] unsigned mxcsr_after(unsigned mode, const call& f) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(mode);
  f();
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  return after;
}

/// All rounding directions × FTZ × DAZ × exceptions masked or trapping × sticky flags clear or set.
std::vector<unsigned> all_modes() {
  std::vector<unsigned> modes;
  for (const unsigned rounding : {0x0000u, 0x2000u, 0x4000u, 0x6000u}) {
    for (const unsigned flush : {0x0000u, 0x8000u, 0x0040u, 0x8040u}) {
      for (const unsigned masks : {0x1f80u, 0x0000u}) {
        for (const unsigned flags : {0x00u, 0x3fu, 0x21u}) {
          modes.push_back(rounding | flush | masks | flags);
        }
      }
    }
  }
  return modes;
}

std::string in_hex(unsigned mode) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%04x", mode);
  return text;
}

testing::AssertionResult kept(unsigned mode, unsigned after) {
  if (after == mode) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "MXCSR became " << in_hex(after);
}

TYPED_TEST(FloatMode, MxcsrDoesNotMatterAndIsRestored) {
  const scene<TypeParam> s;
  for (const unsigned mode : all_modes()) {
    ASSERT_TRUE(gives_the_same_bytes(
        s, on_this_thread(), [&](const call& f) { return kept(mode, mxcsr_after(mode, f)); }))
        << "MXCSR " << in_hex(mode);
  }
}

#ifdef _OPENMP
constexpr int team_size = 3;

void set_mxcsr_of_team(unsigned mode) {
#pragma omp parallel num_threads(team_size)
  _mm_setcsr(mode);
}

std::vector<unsigned> mxcsr_of_team() {
  std::vector<unsigned> modes(team_size);
#pragma omp parallel for schedule(static) num_threads(team_size)
  for (int t = 0; t < team_size; ++t) modes[static_cast<std::size_t>(t)] = _mm_getcsr();
  return modes;
}

// Workers of an OpenMP team keep their own register between parallel regions.
TYPED_TEST(FloatMode, MxcsrOfWorkersDoesNotMatterAndIsRestored) {
  const scene<TypeParam> s;
  const unsigned usual = _mm_getcsr();
  for (const unsigned mode : all_modes()) {
    const auto in_team = [&](const call& f) {
      set_mxcsr_of_team(mode);
      f();
      const std::vector<unsigned> after = mxcsr_of_team();
      set_mxcsr_of_team(usual);
      for (const unsigned got : after) {
        if (auto same = kept(mode, got); !same) return same;
      }
      return testing::AssertionSuccess();
    };
    ASSERT_TRUE(gives_the_same_bytes(s, on_openmp(team_size), in_team)) << "MXCSR " << in_hex(mode);
  }
}
#endif

// The checks at the border run in the caller's mode; they must not trap or leave flags behind.
TYPED_TEST(FloatMode, ChecksOfBadInputLeaveMxcsrAlone) {
  scene<TypeParam> s;
  std::vector<revlora::low_rank> bad = s.list;
  const float infinity = std::numeric_limits<float>::infinity();
  const auto nonsense = oracle::from_bits<float>(0x7f800001);  // a signalling NaN
  for (const float strength : {infinity, nonsense}) {
    bad[1] = revlora::low_rank(s.adapters[1].b.view(), s.adapters[1].a.view(), strength);
    for (const unsigned mode : {0x1f80u, 0x0000u, 0xffc0u}) {
      bool threw = false;
      const unsigned after = mxcsr_after(mode, [&] {
        try {
          paths<TypeParam>().front().merge(s.base.view(), bad, on_this_thread());
        } catch (const revlora::invalid_input&) {
          threw = true;
        }
      });
      EXPECT_TRUE(threw) << in_hex(mode);
      EXPECT_EQ(in_hex(after), in_hex(mode));
    }
  }
}

#endif  // x86

}  // namespace
}  // namespace tests
