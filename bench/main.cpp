// The benchmarks: time per call on weights that no cache holds.
//
//   roof/W/ROWSxCOLS/tT                       reads and writes W in place and does nothing else
//   merge/W/F/ROWSxCOLS/rR/tT                 W in type W, factors in type F, rank R, T threads
//   merge_exact/W/F/ROWSxCOLS/rR/dPERCENT/tT  with an undo record; std(D)/std(W) = PERCENT %
//   unmerge_exact/…                           back again
//   swap_exact/…                              from one such adapter to another
//   checksum/W/ROWSxCOLS/tT                   W against the checksums of a record, nothing written
//   record_size/W/F/ROWSxCOLS/rR/dPERCENT     only the size of the record counts
//
//   backup_merge_restore/W/F/ROWSxCOLS/rR/tT  a copy of W, a merge without a record, W copied back
//   peer_openblas/…, peer_eigen/…, peer_onednn/W/F/ROWSxCOLS/rR/tT
//                                             another library adds s·B·A to W in place
//
//   peak_fma/tT, peak_dot_pairs/tT, peak_amx/tT
//                                             multiply-adds and nothing else; the counter `flops`
//                                             is operations per second, two for a multiply-add
//
// VERB@SET instead of VERB: by that instruction set, though the machine has a better one.
//
// bits_per_weight is the size of the record, header, checksums and all; bound_bits_per_weight is
// the information bound, counted by brute force over an eighth of the rows.
//
// Figure of merit: real_time over the real_time of the roof with the same W, shape and threads. No
// merge can be below 1, nor below its 2·R·ROWS·COLS operations over the peak.
#include <benchmark/benchmark.h>

#include <string>

#include "backup.hpp"
#include "context.hpp"
#include "exact.hpp"
#include "peaks.hpp"
#include "peers.hpp"
#include "plain.hpp"

namespace {

using namespace bench;
using revlora::bf16;
using revlora::f16;

constexpr shape square{4096, 4096};

template <revlora::element T>
void add_roof(shape size, int threads) {
  add<T>({.verb = "roof", .size = size, .threads = threads}, roof<T>);
}

template <revlora::element T, revlora::element F>
void add_plain(shape size, std::ptrdiff_t rank, int threads) {
  add<T, F>({.verb = "merge", .size = size, .rank = rank, .threads = threads}, plain_merge<T, F>);
}

/// By an instruction set that is not the best of this machine.
template <revlora::dispatch::instruction_set set>
void add_forced(std::ptrdiff_t rank) {
  if (!revlora::dispatch::runs_here(set) || set == revlora::dispatch::chosen()) return;
  const std::string verb = std::string("merge@") + revlora::dispatch::name_of(set);
  add<bf16, bf16>({.verb = verb, .size = square, .rank = rank, .threads = 2},
                  plain_merge<bf16, bf16, revlora::dispatch::on<set>>);
}

template <revlora::element T, revlora::element F>
void add_merge_exact(shape size, std::ptrdiff_t rank, double percent, int threads) {
  add<T, F>({"merge_exact", size, rank, percent, threads}, exact_merge<T, F>);
}

/// There and back.
template <revlora::element T, revlora::element F>
void add_exact(shape size, std::ptrdiff_t rank, double percent, int threads) {
  add_merge_exact<T, F>(size, rank, percent, threads);
  add<T, F>({"unmerge_exact", size, rank, percent, threads}, exact_unmerge<T, F>);
}

void add_opponents(std::ptrdiff_t rank) {
  add<bf16, bf16>({.verb = "backup_merge_restore", .size = square, .rank = rank, .threads = 2},
                  backup_merge_restore<bf16, bf16>);
  add_peers(square, rank, 2);
}

/// What every change should be measured with.
void add_quick() {
  add_roof<bf16>(square, 2);
  add_roof<f16>(square, 2);
  add_roof<float>(square, 2);
  add_peaks(2);
  add_plain<bf16, bf16>(square, 16, 2);
  add_plain<f16, f16>(square, 16, 2);
  add_plain<float, float>(square, 16, 2);
  add_exact<bf16, bf16>(square, 16, 1, 2);
  add_exact<bf16, bf16>(square, 16, 10, 2);
  add_merge_exact<f16, f16>(square, 16, 1, 2);
  add_merge_exact<float, float>(square, 16, 1, 2);
  add<bf16, bf16>({"swap_exact", square, 16, 1, 2}, exact_swap<bf16, bf16>);
  add<bf16>({.verb = "checksum", .size = square, .threads = 2}, checksum<bf16>);
  add_opponents(16);
}

void add_other_ranks() {
  for (const std::ptrdiff_t rank : {8, 32, 64, 128}) {
    add_plain<bf16, bf16>(square, rank, 2);
    add_plain<f16, f16>(square, rank, 2);
    add_plain<float, float>(square, rank, 2);
    for (const double percent : {1, 10}) add_exact<bf16, bf16>(square, rank, percent, 2);
    add_opponents(rank);
  }
  for (const std::ptrdiff_t rank : {8, 16, 32, 64, 128}) add_plain<float, bf16>(square, rank, 2);
  add_exact<bf16, bf16>(square, 16, 100, 2);
}

void add_other_shapes() {
  const auto add_all = [](shape size, int threads) {
    add_roof<bf16>(size, threads);
    add_plain<bf16, bf16>(size, 16, threads);
    add_merge_exact<bf16, bf16>(size, 16, 1, threads);
  };
  add_all({11008, 4096}, 2);
  add_all({4096, 11008}, 2);
  add_all({1024, 1024}, 2);
  add_all({640, 2560}, 2);
  add_all({128, 128}, 2);
  add_all(square, 1);
  add_peaks(1);
}

void add_other_sets() {
  using revlora::dispatch::instruction_set;
  for (const std::ptrdiff_t rank : {8, 16, 32, 64, 128})
    add_forced<instruction_set::avx512bf16>(rank);
  add_forced<instruction_set::avx512>(16);
  add_forced<instruction_set::avx2>(16);
  add_forced<instruction_set::sse2>(16);
}

void add_record_sizes() {
  for (const double percent : {0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0}) {
    const task t{.verb = "record_size", .size = square, .rank = 16, .percent = percent};
    add<bf16, bf16>(t, record_size<bf16, bf16>);
    add<f16, f16>(t, record_size<f16, f16>);
    add<float, float>(t, record_size<float, float>);
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
  if (!is_quick) {
    add_other_ranks();
    add_other_shapes();
    add_other_sets();
    add_record_sizes();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  describe_context();
  benchmark::RunSpecifiedBenchmarks();
}
