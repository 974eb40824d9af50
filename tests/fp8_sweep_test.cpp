// All 256 weights of an 8-bit type against more than a million deltas, by every recipe and on every
// path: what they merge to is what the definition says, and every one comes back.
#include "executors.hpp"
#include "paths.hpp"
#include "record_panels.hpp"
#include "values.hpp"

namespace tests {
namespace {

constexpr std::ptrdiff_t patterns = 256, deltas_at_once = 4096, rounds = 272;

/// The numbers at which something changes: every magnitude of T, where rounding turns from one to
/// the next, the subnormals of fp32, the ends of both formats.
template <class T>
std::vector<float> turning_points() {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> points{
      0.0f,     0x1p-149f,       0x1p-126f, 0x1.fffffcp-127f,
      464.0f,   480.0f,          57344.0f,  61440.0f,
      65536.0f, 0x1.fffffep127f, infinity,  std::numeric_limits<float>::quiet_NaN()};
  const std::vector<double>& values = oracle::magnitudes<T>();
  for (std::size_t i = 0; i + 1 < values.size(); ++i)
    for (const double value : {values[i], (values[i] + values[i + 1]) / 2, values[i + 1]})
      points.push_back(static_cast<float>(value));
  return points;
}

/// The deltas of a round: anything; of any size next to the weights'; sums and differences of
/// turning points and their neighbours; multiples of small powers of two.
template <class T>
std::vector<float> deltas_of(std::ptrdiff_t round) {
  static const std::vector<float> points = turning_points<T>();
  engine random(static_cast<std::uint64_t>(round) + 1);
  std::vector<float> deltas(static_cast<std::size_t>(deltas_at_once));
  for (float& d : deltas) {
    const auto point = [&] {
      const float at = points[random() % points.size()];
      return random() % 2 == 0 ? at : -at;
    };
    switch (round % 4) {
      case 0:
        d = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        break;
      case 1:
        d = std::normal_distribution<float>(
            0, std::ldexp(1.0f, static_cast<int>(random() % 30) - 20))(random);
        break;
      case 2:
        d = point() - point();
        for (std::uint64_t steps = random() % 4; steps > 0; --steps)
          d = std::nextafter(d, random() % 2 == 0 ? 1e30f : -1e30f);
        break;
      default:
        d = std::ldexp(static_cast<float>(static_cast<int>(random() % 2049) - 1024),
                       static_cast<int>(random() % 24) - 20);
    }
  }
  if (round == 0) std::copy(points.begin(), points.end(), deltas.begin());
  return deltas;
}

/// Empty, or what is wrong.
template <class T>
std::string first_error(const std::vector<path<T>>& all, std::ptrdiff_t round,
                        revlora::recipe how) {
  const std::vector<float> deltas = deltas_of<T>(round);
  matrix<T> base(patterns, deltas_at_once), expected = base;
  base.fill([](auto i, auto) { return oracle::from_bits<T>(static_cast<std::uint32_t>(i)); });
  factors<float> adapter{matrix<float>(patterns, 1), matrix<float>(1, deltas_at_once), 1.0f};
  adapter.b.fill([](auto, auto) { return 1.0f; });
  adapter.a.fill([&](auto, auto j) { return deltas[static_cast<std::size_t>(j)]; });
  expected.fill([&](auto i, auto j) {
    const float d = oracle::to_be_added<T>(deltas[static_cast<std::size_t>(j)] + 0.0f, how);
    return oracle::round<T>(oracle::widen(base(i, j)) + d, how);
  });
  const revlora::low_rank view = adapter.view();
  std::string first;
  for (const path<T>& p : all) {
    matrix<T> w = base;
    revlora::undo_record record;
    p.merge_recorded(w.view(), {view, how}, record, on_this_thread());
    const std::string where = std::string(p.name) + ", round " + std::to_string(round) + ": ";
    if (auto same = same_bits(expected, w); !same) return where + same.message();
    const auto bytes = record.bytes();
    const std::string content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (first.empty()) first = content;
    if (content != first) return where + "another record";
    if (std::ranges::any_of(panels_of(record), [](const auto& its) { return its.has_exceptions; }))
      return where + "exceptions";
    p.restore(w.view(), {view, how}, record, on_this_thread());
    if (auto same = same_bits(base, w); !same) return where + "restored, " + same.message();
    if (round % 8 != 0) continue;  // the same arithmetic, by another kernel
    p.merge(w.view(), {view, how}, on_this_thread());
    if (auto same = same_bits(expected, w); !same) return where + "plain, " + same.message();
  }
  return {};
}

template <class T>
void sweep(revlora::recipe how) {
  static_assert(rounds * deltas_at_once >= 1 << 20);
  const std::vector<path<T>> all = paths<T>();
  // All but the rounding of D is tested by the other recipes too.
  const std::ptrdiff_t stride = slow_fma || !sweeps_make_sense          ? 31
                                : how == revlora::recipe::rounded_delta ? 5
                                                                        : 1;
  std::mutex guard;
  std::string error;
  on_all_cores().parallel_for((rounds + stride - 1) / stride, [&](auto i) {
    {
      const std::lock_guard lock(guard);
      if (!error.empty()) return;
    }
    const std::string mine = first_error<T>(all, i * stride, how);
    const std::lock_guard lock(guard);
    if (error.empty()) error = mine;
  });
  ASSERT_EQ(error, "") << name_of(how);
}

TEST(EightBits, EveryE4m3ComesBackWhateverIsAdded) {
  sweep<revlora::e4m3>(revlora::recipe::saturate);
  sweep<revlora::e4m3>(revlora::recipe::nan);
  sweep<revlora::e4m3>(revlora::recipe::rounded_delta);
}
TEST(EightBits, EveryE5m2ComesBackWhateverIsAdded) {
  sweep<revlora::e5m2>(revlora::recipe::fused);
  sweep<revlora::e5m2>(revlora::recipe::rounded_delta);
}

/// D = −0 needs a product that underflows.
TEST(EightBits, EveryWeightComesBackFromMinusZero) {
  const auto try_with = []<class T>(T) {
    matrix<T> base(patterns, 64);
    base.fill([](auto i, auto) { return oracle::from_bits<T>(static_cast<std::uint32_t>(i)); });
    auto adapter = adapter_of_rows(std::vector<float>(patterns, 0x1p-100f), 64);
    adapter.strength = -0x1p-100f;
    ASSERT_TRUE(std::signbit(oracle::deltas(adapter.view()).row(0, 64).front()));
    matrix<T> expected = base;
    oracle::merge(expected.view(), adapter.view());
    for (const path<T>& p : paths<T>()) {
      matrix<T> w = base;
      revlora::undo_record record;
      p.merge_recorded(w.view(), adapter.view(), record, on_this_thread());
      EXPECT_TRUE(same_bits(expected, w)) << p.name;
      p.restore(w.view(), adapter.view(), record, on_this_thread());
      EXPECT_TRUE(same_bits(base, w)) << p.name;
    }
  };
  try_with(revlora::e4m3{});
  try_with(revlora::e5m2{});
}

// 464 is the tie between 448 and what would be 480: the last one that rounds to 448.
TEST(EightBits, OverflowOfE4m3IsWhatTheRecipeSays) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> sums{448, 464, std::nextafter(464.0f, 500.0f), 480, 1e30f, infinity};
  for (const float sign : {1.0f, -1.0f})
    for (const float sum : sums)
      for (const auto how : {revlora::recipe::saturate, revlora::recipe::nan}) {
        const auto adapter = adapter_of_rows({sign * sum}, 1);
        matrix<revlora::e4m3> w(1, 1);
        w(0, 0) = revlora::e4m3::from_bits(0);
        revlora::merge(w.view(), {adapter.view(), how});
        const bool is_nan = how == revlora::recipe::nan && sum > 464;
        EXPECT_EQ(w(0, 0).bits, is_nan     ? 0x7f
                                : sign > 0 ? 0x7e
                                           : 0xfe)
            << sign * sum << ", " << name_of(how);
      }
}

}  // namespace
}  // namespace tests
