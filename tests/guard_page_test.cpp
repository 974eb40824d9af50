// No verb touches a byte that is no element of a view: weights and factors lie between pages that
// end the program when they are touched.
#include "executors.hpp"
#include "guarded.hpp"
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

/// How a matrix lies in memory.
struct placing {
  against side;
  std::ptrdiff_t gap;  ///< elements between a row, or a column, and the next
  bool by_columns;     ///< of factors: column-major
};

template <class T>
guarded<T> guarded_copy(const matrix<T>& m, const placing& how) {
  const std::ptrdiff_t row_stride = how.by_columns ? 1 : m.cols() + how.gap;
  const std::ptrdiff_t col_stride = how.by_columns ? m.rows() + how.gap : 1;
  guarded<T> copy(m.rows(), m.cols(), row_stride, col_stride, how.side);
  copy = m;
  return copy;
}

template <class F>
struct guarded_factors {
  guarded<F> b, a;
  float strength;

  guarded_factors(const factors<F>& its, const placing& how)
      : b(guarded_copy(its.b, how)), a(guarded_copy(its.a, how)), strength(its.strength) {}
  revlora::low_rank view() const { return {b.view(), a.view(), strength}; }
};

/// All verbs on one path, in place and elsewhere.
template <class W>
testing::AssertionResult stays_inside(const path<W>& p, const matrix<W>& base, const placing& how,
                                      const std::vector<revlora::low_rank>& all) {
  const runner on = on_this_thread();
  const revlora::adapter_list list(all), wanted(all[0], revlora::recipe::rounded_delta);
  guarded<W> w = guarded_copy(base, how), elsewhere = guarded_copy(base, how);
  revlora::undo_record record;

  p.merge(w.view(), list, on);
  const matrix<W> merged = w.copy();
  p.subtract(w.view(), list, on);
  const matrix<W> subtracted = w.copy();

  w = base;
  p.merge_recorded(w.view(), list, record, on);
  if (auto same = same_bits(merged, w.copy()); !same) return same << ", merged with a record";
  revlora::detail::require(p.validate(std::as_const(w).view(), list, record, on));
  p.swap(w.view(), list, wanted, record, on);
  p.swap(w.view(), wanted, list, record, on);
  if (auto same = same_bits(merged, w.copy()); !same) return same << ", swapped";
  p.restore(w.view(), list, record, on);
  if (auto same = same_bits(base, w.copy()); !same) return same << ", restored";

  const guarded<W>& from = w;
  p.merge_to(from.view(), elsewhere.view(), list, on);
  if (auto same = same_bits(merged, elsewhere.copy()); !same) return same << ", merged elsewhere";
  p.merge_recorded_to(from.view(), elsewhere.view(), list, record, on);
  if (auto same = same_bits(merged, elsewhere.copy()); !same) return same << ", recorded elsewhere";
  p.subtract_to(std::as_const(elsewhere).view(), w.view(), list, on);
  if (auto same = same_bits(subtracted, w.copy()); !same) return same << ", subtracted elsewhere";
  p.restore_to(std::as_const(elsewhere).view(), w.view(), list, record, on);
  if (auto same = same_bits(base, w.copy()); !same) return same << ", restored elsewhere";
  p.merge_to(from.view(), elsewhere.view(), {}, on);
  if (auto same = same_bits(base, elsewhere.copy()); !same) return same << ", copied";
  return testing::AssertionSuccess() << "every byte that was touched is an element's";
}

template <class W>
class GuardPage : public testing::Test {};
TYPED_TEST_SUITE(GuardPage, weight_types, weight_name);

// Gaps are odd, so that every other row begins in the middle of a pair of 16-bit weights; the last
// is so wide that pages lie in it.
TYPED_TEST(GuardPage, NoVerbTouchesWhatIsNoElement) {
  using W = TypeParam;
  const std::ptrdiff_t wide = 2 * sysconf(_SC_PAGESIZE) / static_cast<std::ptrdiff_t>(sizeof(W));
  engine random(1);
  for (const auto& [rows, cols] :
       {std::pair{1, 1}, {16, 64}, {2, 64}, {15, 63}, {17, 65}, {35, 192}}) {
    for (const auto& [numbers, rank] : {std::pair{kind::normal, 7}, {kind::any_bits, 40}}) {
      const auto base = random_matrix<W>(random, rows, cols, numbers, 0.02f);
      const mixed_factors<revlora::bf16> adapters(random, rows, cols, rank, kind::normal, 0.2f, 1);
      for (const std::ptrdiff_t gap :
           {std::ptrdiff_t{0}, std::ptrdiff_t{1}, std::ptrdiff_t{7}, wide + 1})
        for (const against side : {against::first_element, against::last_element})
          for (const bool by_columns : {false, true}) {
            const placing of_factors{side, gap, by_columns};
            const guarded_factors first(adapters.first, of_factors),
                second(adapters.second, of_factors), third(adapters.third, of_factors);
            for (const path<W>& p : paths<W>())
              ASSERT_TRUE(stays_inside(p, base, {side, gap, false},
                                       {first.view(), second.view(), third.view()}))
                  << p.name << ", " << rows << " x " << cols << ", " << name_of(numbers) << ", gap "
                  << gap << (by_columns ? ", factors by columns" : "");
          }
    }
  }
}

}  // namespace
}  // namespace tests
