// Runs a peer, after a look at whether it computes what it should.
#include "peers.hpp"

#include <cmath>
#include <set>

#include "cold_weights.hpp"

namespace bench {
namespace {

/// Whether a peer agrees with revlora, on a delta as large as the weights: one of 1 % could be left
/// out of a bf16 matrix unnoticed.
template <revlora::element T>
bool adds_what_it_should(const task& t, peer<T> prepare) {
  const random_adapter<T> strong(t, 100, 2);
  std::vector<T> expected = base_weights<T>(t.size), found = expected;
  revlora::merge(revlora::matrix_view(expected.data(), t.size.rows, t.size.cols), strong.view());
  prepare(strong.view(), t.threads)(found.data());
  constexpr float tolerance = sizeof(T) == 4 ? 1e-5f : 1e-2f;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const float should = static_cast<float>(expected[i]);
    const float is = static_cast<float>(found[i]);
    // Also false for NaN.
    if (!(std::abs(is - should) <= tolerance * (std::abs(should) + 0.1f))) return false;
  }
  return true;
}

template <revlora::element T>
void run(benchmark::State& state, const task& t, peer<T> prepare) {
  static std::set<std::string> checked;
  if (checked.insert(name_of<T, T>(t)).second && !adds_what_it_should<T>(t, prepare)) {
    state.SkipWithError("does not compute W + s*B*A");
    return;
  }
  cold_weights<T> weights(t.size);
  const random_adapter<T> adapter(t);
  const auto add_adapter = prepare(adapter.view(), t.threads);
  for (auto _ : state) add_adapter(weights.next().data);
}

}  // namespace

template <revlora::element T>
void add_peer(const task& t, peer<T> prepare) {
  add<T, T>(t, [=](benchmark::State& state, const task& what) { run<T>(state, what, prepare); });
}
template void add_peer<float>(const task&, peer<float>);
template void add_peer<revlora::bf16>(const task&, peer<revlora::bf16>);

}  // namespace bench
