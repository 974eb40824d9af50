// The one table of instruction sets, and the choice among them.
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "built_in.hpp"
#include "processor.hpp"
#include "revlora/dispatch.hpp"

#if defined(__SSE3__)
#error "flags of the build keep choice.cpp from running everywhere: give -march=…, not -m…"
#endif

namespace revlora::dispatch {
namespace {

using kernel_interface::kernel_table;

struct row {
  instruction_set set;
  const kernel_table& kernels;
  bool (*runs_here)();
};

// From the least, which runs everywhere, to the best.
constexpr row rows[] = {
#if defined(__x86_64__)
    {instruction_set::sse2, built_in::sse2, [] { return true; }},
    {instruction_set::avx2, built_in::avx2, has_avx2},
    {instruction_set::avx512, built_in::avx512, has_avx512},
    {instruction_set::avx512vbmi2, built_in::avx512vbmi2, has_avx512vbmi2},
    {instruction_set::avx512bf16, built_in::avx512bf16, has_avx512bf16},
    {instruction_set::amx, built_in::amx,
     [] { return has_avx512bf16() && built_in::has_bf16_tiles(); }},
#elif defined(__aarch64__)
    {instruction_set::neon, built_in::neon, [] { return true; }},
#endif
};

struct name {
  instruction_set set;
  const char* text;
};
constexpr name names[] = {
    {instruction_set::sse2, "sse2"},
    {instruction_set::avx2, "avx2"},
    {instruction_set::avx512, "avx512"},
    {instruction_set::avx512vbmi2, "avx512vbmi2"},
    {instruction_set::avx512bf16, "avx512bf16"},
    {instruction_set::amx, "amx"},
    {instruction_set::neon, "neon"},
};

[[noreturn]] void fail(const std::string& what) {
#ifdef __cpp_exceptions
  throw std::runtime_error(what);
#else
  std::fprintf(stderr, "revlora: %s\n", what.c_str());
  std::abort();
#endif
}

/// Null if it does not run here.
const kernel_table* find(instruction_set set) {
  for (const row& each : rows)
    if (each.set == set) return each.runs_here() ? &each.kernels : nullptr;
  return nullptr;
}

std::string possible_here() {
  std::string text = "; possible here:";
  for (const instruction_set set : available()) text += std::string(" ") + name_of(set);
  return text;
}

/// Whether a better one than those before it in the table, on this machine.
bool pays_here([[maybe_unused]] const row& given) {
#if defined(__x86_64__)
  if (given.set == instruction_set::avx512bf16) return built_in::has_fast_bf16_pairs();
#endif
  return true;
}

instruction_set best_here() {
  const row* best = std::end(rows) - 1;
  while (!best->runs_here() || !pays_here(*best)) --best;
  return best->set;
}

instruction_set choose() {
  const char* const wanted = std::getenv("REVLORA_ISA");
  if (wanted == nullptr || *wanted == '\0') return best_here();
  const std::string named = "REVLORA_ISA names \"" + std::string(wanted) + "\", which ";
  for (const name& each : names) {
    if (std::string_view(wanted) != each.text) continue;
    if (find(each.set) == nullptr) fail(named + "does not run here" + possible_here());
    return each.set;
  }
  fail(named + "is no instruction set" + possible_here());
}

}  // namespace

const char* name_of(instruction_set set) {
  for (const name& each : names)
    if (each.set == set) return each.text;
  return "unknown";
}

bool runs_here(instruction_set set) {
  return find(set) != nullptr;
}

std::vector<instruction_set> available() {
  std::vector<instruction_set> sets;
  for (const row& each : rows)
    if (each.runs_here()) sets.push_back(each.set);
  return sets;
}

instruction_set chosen() {
  static const instruction_set set = choose();
  return set;
}

const kernel_table& kernels(instruction_set set) {
  const kernel_table* const found = find(set);
  if (found == nullptr)
    fail(std::string("the instruction set ") + name_of(set) + " does not run here" +
         possible_here());
  return *found;
}

const kernel_table& best::kernels() {
  return dispatch::kernels(chosen());
}

template <instruction_set set>
const kernel_table& on<set>::kernels() {
  return dispatch::kernels(set);
}
template struct on<instruction_set::sse2>;
template struct on<instruction_set::avx2>;
template struct on<instruction_set::avx512>;
template struct on<instruction_set::avx512vbmi2>;
template struct on<instruction_set::avx512bf16>;
template struct on<instruction_set::amx>;
template struct on<instruction_set::neon>;

}  // namespace revlora::dispatch
