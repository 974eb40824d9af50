// The benchmarks: time per call on weights that no cache holds.
//
//   merge/W/F/ROWSxCOLS/rR/tT                 W in type W, factors in type F, rank R, T threads
//   merge_exact/W/F/ROWSxCOLS/rR/dPERCENT/tT  into a fresh undo record; std(D)/std(W) = PERCENT %
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
// ROWSxCOLS@STRIDE: rows of STRIDE elements, of which COLS are used. VERB@SET instead of VERB: by
// that instruction set, though the machine has a better one.
//
// Before each call the roof is measured: the time to read and write such a W in place, with as many
// threads, and do nothing else (roof.hpp). The counter `roofs` is the figure of merit, a call's
// time as a multiple of it; `roof` is its seconds. No merge can be below one roof, nor below its
// 2·R·ROWS·COLS operations over the peak of the unit that it uses.
//
// bits_per_weight is the size of the record, header, checksums and all; bound_bits_per_weight is
// the information bound, counted by brute force over an eighth of the rows.
#include <benchmark/benchmark.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "context.hpp"
#include "selection.hpp"

namespace {

using namespace bench;

/// Those without which no limit is known, of every number of threads that occurs.
void add_peaks(std::vector<measurement>& to) {
  selection peaks;
  peaks.verbs = {"peak_fma", "peak_dot_pairs", "peak_amx"};
  peaks.threads.clear();
  for (const measurement& each : to)
    if (each.how.threads > 0) peaks.threads.push_back(each.how.threads);
  for (const measurement& each : measurements_of({peaks}))
    if (std::none_of(to.begin(), to.end(), [&](const measurement& there) {
          return name_of(there.how) == name_of(each.how);
        }))
      to.push_back(each);
}

void register_all(const std::vector<measurement>& measurements) {
  for (const auto& [what, how] : measurements) {
    auto* const added = benchmark::RegisterBenchmark(
        name_of(how).c_str(),
        [run = what->run, how = how](benchmark::State& state) { run(state, how); });
    added->Unit(benchmark::kMillisecond)->UseManualTime();
    if (what->name == "record_size") added->Iterations(1)->Repetitions(1);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App options{"Measures merges, and other libraries, beside the roof of memory."};
  bool is_quick = false;
  wish wished;
  options.add_flag("--quick", is_quick, "what every change should be measured with");
  const auto add_list = [&](const char* name, std::vector<std::string>& values, const char* help) {
    options.add_option(name, values, help)->delimiter(',')->excludes("--quick");
  };
  add_list("--verbs", wished.verbs, "what is done; default: merge");
  add_list("--types", wished.types,
           "of W, or of W and the factors: bf16, fp32/bf16; default: bf16");
  add_list("--shapes", wished.shapes, "of W: 4096x4096 (the default), 4096x1000@8192");
  add_list("--ranks", wished.ranks, "default: 16");
  add_list("--percent", wished.percents, "std(D)/std(W) in per cent; default: 1");
  add_list("--threads", wished.threads, "default: 2");
  options.footer(
      "Of lists all combinations are measured that there are. Without any option: the\n"
      "full set. What begins with --benchmark_ goes to Google Benchmark.");
  options.allow_extras();
  try {
    options.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return options.exit(error) == 0 ? 0 : 1;
  }

  std::vector<measurement> measurements =
      measurements_of(is_quick            ? quick_selections()
                      : wished.is_empty() ? full_selections()
                                          : std::vector{selection_of(wished)});
  if (measurements.empty())
    throw std::invalid_argument(
        "nothing is selected: no verb that is named takes these types and shapes (peers take fp32 "
        "weights with fp32 factors, peer_onednn bf16 with bf16, too; backup_merge_restore takes no "
        "strides)");
  add_peaks(measurements);
  register_all(measurements);

  std::vector<std::string> rest = options.remaining();
  std::vector<char*> for_benchmark{argv[0]};
  for (std::string& each : rest) for_benchmark.push_back(each.data());
  int count = static_cast<int>(for_benchmark.size());
  for_benchmark.push_back(nullptr);
  benchmark::Initialize(&count, for_benchmark.data());
  if (benchmark::ReportUnrecognizedArguments(count, for_benchmark.data())) return 1;
  describe_context();
  if (benchmark::RunSpecifiedBenchmarks() == 0)
    throw std::invalid_argument("nothing is selected: --benchmark_filter matches no name");
} catch (const std::exception& error) {
  std::cerr << "revlora_bench: " << error.what() << '\n';
  return 1;
}
