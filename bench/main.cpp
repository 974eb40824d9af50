// The benchmarks: time per call on weights that no cache holds.
//
//   roof/W/ROWSxCOLS/tT                      reads and writes W in place and does nothing else
//   merge/W/F/ROWSxCOLS/rR/tT                W in type W, factors in type F, rank R, T threads
//   merge_exact/W/F/ROWSxCOLS/rR/dPERCENT/tT with an undo record; std(D)/std(W) = PERCENT %
//   unmerge_exact/…                          back again
//   swap_exact/…                             from one such adapter to another
//   checksum/W/ROWSxCOLS/tT                  W against the checksums of a record, nothing written
//
// bits_per_weight is the size of the record, header, checksums and all; bound_bits_per_weight is
// the information bound, counted by brute force over an eighth of the rows.
//
// Figure of merit: real_time over the real_time of the roof with the same W, shape and threads.
#include <benchmark/benchmark.h>

#include <cmath>
#include <map>
#include <revlora/revlora.hpp>
#include <string>
#include <vector>

#include "cold_weights.hpp"
#include "information_bound.hpp"

namespace {

using namespace revlora;

struct shape {
  std::ptrdiff_t rows, cols;
};

/// Factors of a random adapter with a delta of a given standard deviation.
template <element F>
class random_adapter {
 public:
  random_adapter(shape s, std::ptrdiff_t rank, double percent, unsigned seed = 2)
      : shape_(s),
        rank_(rank),
        strength_(percent / 100 * bench::weight_deviation / std::sqrt(static_cast<double>(rank))),
        b_(bench::normal<F>(s.rows * rank, 1, seed)),
        a_(bench::normal<F>(rank * s.cols, 1, seed + 1)) {}

  low_rank view() const {
    return {matrix_view(b_.data(), shape_.rows, rank_), matrix_view(a_.data(), rank_, shape_.cols),
            static_cast<float>(strength_)};
  }

 private:
  shape shape_;
  std::ptrdiff_t rank_;
  double strength_;
  std::vector<F> b_, a_;
};

template <element T>
void roof(benchmark::State& state, shape s, int threads) {
  bench::cold_weights<T> weights(s.rows, s.cols);
  std::size_t i = 0;
  for (auto _ : state) {
    const auto w = weights[i++ % weights.count()];
    openmp{threads}.parallel_for(s.rows, [&](std::ptrdiff_t row) {
      constexpr int lanes = detail::lanes<xsimd::default_arch>;
      T* const at = w.data + row * w.row_stride;
      const detail::words<xsimd::default_arch> sign(1u);
      for (std::ptrdiff_t j = 0; j + lanes <= s.cols; j += lanes)
        detail::store<xsimd::default_arch>(at + j,
                                           detail::load<xsimd::default_arch>(at + j) ^ sign);
    });
  }
}

template <element T, element F>
void plain(benchmark::State& state, shape s, std::ptrdiff_t rank, int threads) {
  bench::cold_weights<T> weights(s.rows, s.cols);
  const random_adapter<F> adapter(s, rank, 1);
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(
        merge(weights[i++ % weights.count()], adapter.view(), openmp{threads}));
}

/// The size of a record, beside the least it could have.
template <element T, element F>
void count_bits(benchmark::State& state, const undo_record& record, shape s, std::ptrdiff_t rank,
                double percent) {
  using key = std::tuple<std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, double>;
  static std::map<key, double> bounds;  // counting takes longer than a benchmark
  const auto [at, is_new] = bounds.try_emplace({s.rows, s.cols, rank, percent}, 0);
  if (is_new) {
    const random_adapter<F> adapter(s, rank, percent);
    const matrix_view base(bench::base_weights<T>(s.rows * s.cols).data(), s.rows, s.cols);
    at->second = oracle::information_bound<T>(base, adapter.view(), 8, default_executor{});
  }
  state.counters["bits_per_weight"] =
      8.0 * static_cast<double>(record.size_bytes()) / static_cast<double>(s.rows * s.cols);
  state.counters["bound_bits_per_weight"] = at->second;
}

/// Goes through the weights once in one direction, timed, and back in the other, not timed.
template <element T, element F>
void exact(benchmark::State& state, shape s, std::ptrdiff_t rank, double percent, int threads,
           bool times_merge) {
  bench::cold_weights<T> weights(s.rows, s.cols);
  const random_adapter<F> adapter(s, rank, percent);
  std::vector<undo_record> records(weights.count());
  const auto forth = [&](std::size_t i) {
    merge(weights[i], adapter.view(), records[i], openmp{threads});
  };
  const auto back = [&](std::size_t i) {
    unmerge(weights[i], adapter.view(), records[i], openmp{threads});
  };
  const auto prepare = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) times_merge ? back(i) : forth(i);
  };
  if (!times_merge) prepare(weights.count());
  std::size_t i = 0;
  for (auto _ : state) {
    if (i == weights.count()) {
      state.PauseTiming();
      prepare(weights.count());
      i = 0;
      state.ResumeTiming();
    }
    times_merge ? forth(i++) : back(i++);
  }
  count_bits<T, F>(state, records[0], s, rank, percent);
}

/// Goes through the weights again and again, each time from the adapter that is in to the other.
template <element T, element F>
void exact_swap(benchmark::State& state, shape s, std::ptrdiff_t rank, double percent,
                int threads) {
  bench::cold_weights<T> weights(s.rows, s.cols);
  const random_adapter<F> one(s, rank, percent), other(s, rank, percent, 4);
  std::vector<undo_record> records(weights.count());
  for (std::size_t i = 0; i < weights.count(); ++i) merge(weights[i], one.view(), records[i]);
  std::size_t i = 0;
  bool forth = true;
  for (auto _ : state) {
    swap(weights[i], forth ? one.view() : other.view(), forth ? other.view() : one.view(),
         records[i], openmp{threads});
    if (++i < weights.count()) continue;
    i = 0;
    forth = !forth;
  }
}

template <element T>
void checksums(benchmark::State& state, shape s, int threads) {
  bench::cold_weights<T> weights(s.rows, s.cols);
  undo_record record;
  merge(weights[0], {}, record);
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(state_of(weights[i++ % weights.count()], record, openmp{threads}));
}

// ---- names and selection -----------------------------------------------------------------------

std::string shape_name(shape s) {
  return "/" + std::to_string(s.rows) + "x" + std::to_string(s.cols);
}
template <element T>
std::string type_name() {
  return std::string("/") + name_of(element_type_of<T>);
}

template <element T>
void add_roof(shape s, int threads) {
  benchmark::RegisterBenchmark(
      ("roof" + type_name<T>() + shape_name(s) + "/t" + std::to_string(threads)).c_str(),
      [=](benchmark::State& state) { roof<T>(state, s, threads); })
      ->Unit(benchmark::kMillisecond);
}

template <element T, element F>
void add_plain(shape s, std::ptrdiff_t rank, int threads) {
  benchmark::RegisterBenchmark(
      ("merge" + type_name<T>() + type_name<F>() + shape_name(s) + "/r" + std::to_string(rank) +
       "/t" + std::to_string(threads))
          .c_str(),
      [=](benchmark::State& state) { plain<T, F>(state, s, rank, threads); })
      ->Unit(benchmark::kMillisecond);
}

template <element T, element F>
void add_exact(bool times_merge, shape s, std::ptrdiff_t rank, int percent, int threads) {
  benchmark::RegisterBenchmark(
      ((times_merge ? "merge_exact" : "unmerge_exact") + type_name<T>() + type_name<F>() +
       shape_name(s) + "/r" + std::to_string(rank) + "/d" + std::to_string(percent) + "/t" +
       std::to_string(threads))
          .c_str(),
      [=](benchmark::State& state) { exact<T, F>(state, s, rank, percent, threads, times_merge); })
      ->Unit(benchmark::kMillisecond);
}

template <element T, element F>
void add_swap(shape s, std::ptrdiff_t rank, int percent, int threads) {
  benchmark::RegisterBenchmark(
      ("swap_exact" + type_name<T>() + type_name<F>() + shape_name(s) + "/r" +
       std::to_string(rank) + "/d" + std::to_string(percent) + "/t" + std::to_string(threads))
          .c_str(),
      [=](benchmark::State& state) { exact_swap<T, F>(state, s, rank, percent, threads); })
      ->Unit(benchmark::kMillisecond);
}

template <element T>
void add_checksum(shape s, int threads) {
  benchmark::RegisterBenchmark(
      ("checksum" + type_name<T>() + shape_name(s) + "/t" + std::to_string(threads)).c_str(),
      [=](benchmark::State& state) { checksums<T>(state, s, threads); })
      ->Unit(benchmark::kMillisecond);
}

constexpr shape square{4096, 4096};

/// What every change should be measured with.
void add_quick() {
  add_roof<bf16>(square, 2);
  add_roof<f16>(square, 2);
  add_roof<float>(square, 2);
  add_plain<bf16, bf16>(square, 16, 2);
  add_plain<f16, f16>(square, 16, 2);
  add_plain<float, float>(square, 16, 2);
  add_exact<bf16, bf16>(true, square, 16, 1, 2);
  add_exact<f16, f16>(true, square, 16, 1, 2);
  add_exact<float, float>(true, square, 16, 1, 2);
  add_exact<bf16, bf16>(true, square, 16, 10, 2);
  add_exact<bf16, bf16>(false, square, 16, 1, 2);
  add_exact<bf16, bf16>(false, square, 16, 10, 2);
  add_swap<bf16, bf16>(square, 16, 1, 2);
  add_checksum<bf16>(square, 2);
}

void add_rest() {
  for (const std::ptrdiff_t rank : {8, 32, 64, 128}) {
    add_plain<bf16, bf16>(square, rank, 2);
    add_plain<f16, f16>(square, rank, 2);
    add_plain<float, float>(square, rank, 2);
  }
  add_plain<bf16, float>(square, 16, 2);
  add_plain<float, bf16>(square, 16, 2);
  add_exact<bf16, bf16>(true, square, 16, 100, 2);
  add_exact<bf16, bf16>(false, square, 16, 100, 2);
  add_roof<bf16>(square, 1);
  add_plain<bf16, bf16>(square, 16, 1);
  add_exact<bf16, bf16>(true, square, 16, 1, 1);
  for (const shape s : {shape{11008, 4096}, shape{4096, 11008}, shape{1024, 1024}}) {
    add_roof<bf16>(s, 2);
    add_plain<bf16, bf16>(s, 16, 2);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_quick = argc > 1 && std::string(argv[1]) == "--quick";
  if (is_quick) {
    for (int i = 1; i + 1 < argc; ++i) argv[i] = argv[i + 1];
    --argc;
  }
  add_quick();
  if (!is_quick) add_rest();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
