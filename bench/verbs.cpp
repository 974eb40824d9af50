#include <revlora/revlora.hpp>

#include "backup.hpp"
#include "exact.hpp"
#include "peaks.hpp"
#include "peers.hpp"
#include "plain.hpp"
#include "verb.hpp"

namespace bench {
namespace {

using revlora::dispatch::instruction_set;

constexpr unsigned plain_parts = of_weights | of_factors | of_threads;
constexpr unsigned exact_parts = plain_parts | of_percent;

template <instruction_set set>
void add_forced(std::vector<verb>& to) {
  if (!revlora::dispatch::runs_here(set) || set == revlora::dispatch::chosen()) return;
  to.push_back({std::string("merge@") + revlora::dispatch::name_of(set), plain_parts,
                plain_merge<revlora::dispatch::on<set>>});
}

bool has_no_gaps(const task& t) {
  return t.size.stride == t.size.cols;
}

std::vector<verb> find_verbs() {
  std::vector<verb> found{
      {"merge", plain_parts, plain_merge},
      {"merge_exact", exact_parts, exact_merge},
      {"unmerge_exact", exact_parts, exact_unmerge},
      {"swap_exact", exact_parts, exact_swap},
      {"checksum", of_weights | of_threads, checksum},
      {"record_size", of_weights | of_factors | of_percent, record_size},
      {"backup_merge_restore", plain_parts, backup_merge_restore, has_no_gaps},
  };
  add_forced<instruction_set::sse2>(found);
  add_forced<instruction_set::avx2>(found);
  add_forced<instruction_set::avx512>(found);
  add_forced<instruction_set::avx512vbmi2>(found);
  add_forced<instruction_set::avx512bf16>(found);
  for (const auto& more : {peers(), peaks()}) found.insert(found.end(), more.begin(), more.end());
  return found;
}

}  // namespace

const std::vector<verb>& verbs() {
  static const std::vector<verb> all = find_verbs();
  return all;
}

}  // namespace bench
