// Runs a peer, after a look at whether it computes what it should.
#include "peers.hpp"

#include <cmath>
#include <map>
#include <stdexcept>

#include "cold_weights.hpp"
#include "roof.hpp"

namespace bench {
namespace {

/// Whether a peer agrees with revlora, on a delta as large as the weights: one of 1 % could be left
/// out of a bf16 matrix unnoticed.
template <revlora::element T>
bool adds_what_it_should(const task& t, peer<T> prepare) {
  const random_adapter strong(t, 100, 2);
  std::vector<std::byte> expected = base_weights(*t.weights, t.size), found = expected;
  T* const wanted = reinterpret_cast<T*>(expected.data());
  T* const got = reinterpret_cast<T*>(found.data());
  revlora::merge(revlora::matrix_view(wanted, t.size.rows, t.size.cols, t.size.stride),
                 strong.view());
  prepare(strong.view(), t.size.stride, t.threads)(got);
  constexpr float tolerance = sizeof(T) == 4 ? 1e-5f : 1e-2f;
  for (std::ptrdiff_t i = 0; i < t.size.rows * t.size.stride; ++i) {
    const float should = static_cast<float>(wanted[i]), is = static_cast<float>(got[i]);
    // Also false for NaN.
    if (!(std::abs(is - should) <= tolerance * (std::abs(should) + 0.1f))) return false;
  }
  return true;
}

template <revlora::element T>
void run(benchmark::State& state, const task& t, peer<T> prepare) {
  static std::map<std::string, bool> is_right;
  try {
    const auto [found, is_new] = is_right.try_emplace(name_of(t), false);
    if (is_new) found->second = adds_what_it_should<T>(t, prepare);
    if (!found->second) throw std::runtime_error("does not compute W + s*B*A");
    cold_weights weights(t);
    const random_adapter adapter(t);
    const auto add_adapter = prepare(adapter.view(), t.size.stride, t.threads);
    beside_roof calls(state, t);
    const auto merge = [&] {
      revlora::merge(weights.next(), adapter.view(), revlora::openmp{t.threads});
    };
    for (auto _ : state)
      calls.time(
          merge, [&] { add_adapter(static_cast<T*>(weights.next().data())); }, "ours",
          [](double peer, double ours, double) { return ours / peer; });
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

bool is_all_of(element_type type, const task& t) {
  return t.weights == type && t.factors == type;
}

[[maybe_unused]] bool is_fp32(const task& t) {
  return is_all_of(element_type::fp32, t);
}
[[maybe_unused]] bool is_fp32_or_bf16(const task& t) {
  return is_fp32(t) || is_all_of(element_type::bf16, t);
}

}  // namespace

std::vector<verb> peers() {
  std::vector<verb> found;
  [[maybe_unused]] constexpr unsigned heeds = of_weights | of_factors | of_threads;
#ifdef REVLORA_BENCH_OPENBLAS
  found.push_back({"peer_openblas", heeds,
                   [](benchmark::State& state, const task& t) { run<float>(state, t, openblas); },
                   is_fp32});
#endif
#ifdef REVLORA_BENCH_EIGEN
  found.push_back({"peer_eigen", heeds,
                   [](benchmark::State& state, const task& t) { run<float>(state, t, eigen); },
                   is_fp32});
#endif
#ifdef REVLORA_BENCH_ONEDNN
  found.push_back({"peer_onednn", heeds,
                   [](benchmark::State& state, const task& t) {
                     if (t.weights == element_type::fp32)
                       run<float>(state, t, onednn<float>);
                     else
                       run<revlora::bf16>(state, t, onednn<revlora::bf16>);
                   },
                   is_fp32_or_bf16});
#endif
  return found;
}

}  // namespace bench
