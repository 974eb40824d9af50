#include "selection.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>
#include <string_view>

#include "cold_weights.hpp"

namespace bench {
namespace {

constexpr pair_of_types bf16{element_type::bf16, element_type::bf16};
constexpr pair_of_types fp16{element_type::fp16, element_type::fp16};
constexpr pair_of_types fp32{element_type::fp32, element_type::fp32};
constexpr pair_of_types fp32_of_bf16{element_type::fp32, element_type::bf16};

task task_of(const verb& what, pair_of_types types, shape size, std::ptrdiff_t rank, double percent,
             int threads) {
  task t{.verb = what.name};
  if (what.heeds & of_weights) {
    t.weights = types.weights;
    t.size = size;
  }
  if (what.heeds & of_factors) {
    t.factors = types.factors;
    t.rank = rank;
  }
  if (what.heeds & of_percent) t.percent = percent;
  if (what.heeds & of_threads) t.threads = threads;
  return t;
}

const verb* find(const std::string& name) {
  const auto at = std::find_if(verbs().begin(), verbs().end(),
                               [&](const verb& each) { return each.name == name; });
  return at == verbs().end() ? nullptr : &*at;
}

// ---- what is written on the command line --------------------------------------------------------

[[noreturn]] void refuse(const std::string& option, const std::string& text,
                         const std::string& possible) {
  throw std::invalid_argument(option + ": \"" + text + "\" is not " + possible);
}

template <class Number>
bool read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

template <class Number>
Number number_of(const std::string& option, const std::string& text) {
  Number number{};
  if (!read(text, number)) refuse(option, text, "a number above zero, such as 1 or 16");
  return number;
}

shape shape_of(const std::string& text) {
  const std::size_t by = text.find('x'), at = text.find('@');
  shape s;
  const auto part = [&](std::size_t from, std::size_t to) {
    return std::string_view(text).substr(from, to - from);
  };
  const bool is_read = by != text.npos && read(part(0, by), s.rows) &&
                       read(part(by + 1, std::min(at, text.size())), s.cols);
  s.stride = s.cols;
  if (!is_read || (at != text.npos && !read(part(at + 1, text.size()), s.stride)) ||
      s.stride < s.cols)
    refuse("--shapes", text,
           "ROWSxCOLS, or ROWSxCOLS@STRIDE with at least COLS elements from a row to the next");
  // Checked by division: the product of what is asked for may be too large for any integer.
  if (s.rows > static_cast<std::ptrdiff_t>(working_set / sizeof(float)) / s.stride)
    refuse("--shapes", text, "within the working set of 1.25 GiB, as fp32");
  return s;
}

element_type type_of(const std::string& text, std::string_view name) {
  for (const element_type type : {element_type::bf16, element_type::fp16, element_type::fp32,
                                  element_type::e4m3, element_type::e5m2})
    if (name == revlora::name_of(type)) return type;
  refuse("--types", text,
         "bf16, fp16, fp32, e4m3 or e5m2, or a type of weights and one of factors, as fp32/bf16");
}

pair_of_types types_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  const element_type weights = type_of(text, std::string_view(text).substr(0, slash));
  if (slash == text.npos) return {weights, weights};
  return {weights, type_of(text, std::string_view(text).substr(slash + 1))};
}

std::string verb_of(const std::string& text) {
  if (find(text) != nullptr) return text;
  std::string known;
  for (const verb& each : verbs()) known += (known.empty() ? "" : ", ") + each.name;
  refuse("--verbs", text, "known here; known are " + known);
}

/// Leaves the default where nothing is wished.
template <class T, class Read>
void take(const std::vector<std::string>& texts, std::vector<T>& to, const Read& read) {
  if (texts.empty()) return;
  to.clear();
  for (const std::string& text : texts) to.push_back(read(text));
}

}  // namespace

std::vector<measurement> measurements_of(const std::vector<selection>& selections) {
  std::vector<measurement> found;
  std::set<std::string> names;
  const auto add = [&](const verb& what, const task& t) {
    if (what.takes(t) && names.insert(name_of(t)).second) found.push_back({&what, t});
  };
  for (const selection& each : selections)
    for (const std::string& name : each.verbs)
      if (const verb* const what = find(name))
        for (const pair_of_types types : each.types)
          for (const shape size : each.shapes)
            for (const std::ptrdiff_t rank : each.ranks)
              for (const double percent : each.percents)
                for (const int threads : each.threads)
                  add(*what, task_of(*what, types, size, rank, percent, threads));
  return found;
}

std::vector<selection> quick_selections() {
  const std::vector<pair_of_types> all{bf16, fp16, fp32};
  return {
      {.types = all, .ranks = {16, 64}},
      {.verbs = {"merge_exact", "unmerge_exact"}, .percents = {1, 10}},
      {.verbs = {"merge_exact", "unmerge_exact"}, .types = {fp16, fp32}},
      {.verbs = {"swap_exact", "checksum"}},
      {.verbs = {"backup_merge_restore"}, .types = {bf16, fp32}},
      {.verbs = {"peer_openblas", "peer_eigen", "peer_onednn"}, .types = {bf16, fp32}},
  };
}

std::vector<selection> full_selections() {
  const std::vector<pair_of_types> all{bf16, fp16, fp32};
  const std::vector<pair_of_types> mixed{{element_type::bf16, element_type::fp32},
                                         {element_type::bf16, element_type::fp16},
                                         {element_type::fp16, element_type::bf16},
                                         {element_type::fp16, element_type::fp32},
                                         {element_type::fp32, element_type::fp16}};
  const std::vector<std::ptrdiff_t> ranks{4, 8, 16, 32, 64, 128, 256, 384};
  const std::vector<std::ptrdiff_t> usual_ranks{8, 16, 32, 64, 128};
  const std::vector<std::string> peers{"peer_openblas", "peer_eigen", "peer_onednn"};
  // Large, small, tall, wide, odd, and a view of columns in rows of a power of two.
  const std::vector<shape> shapes{{4096, 4096}, {11008, 4096}, {4096, 11008}, {1024, 1024},
                                  {512, 512},   {256, 256},    {128, 128},    {16384, 64},
                                  {64, 16384},  {4095, 4097},  {640, 2560},   {4096, 1000, 8192}};
  std::vector<selection> selections = quick_selections();
  for (const selection& more : std::initializer_list<selection>{
           {.types = {bf16, fp16, fp32, fp32_of_bf16}, .ranks = ranks},
           {.types = mixed, .ranks = {16, 64}},
           {.types = all, .ranks = {8, 32, 128}, .threads = {1}},
           {.types = {bf16, fp32}, .shapes = shapes},
           {.verbs = {"merge_exact"}, .shapes = shapes},
           {.verbs = {"merge_exact", "unmerge_exact"}, .ranks = usual_ranks, .percents = {1, 10}},
           {.verbs = {"merge_exact", "unmerge_exact"},
           .types = {fp16, fp32},
           .ranks = {16, 64},
           .percents = {1, 10}},
           {.verbs = {"merge_exact", "unmerge_exact"}, .percents = {100}},
           {.verbs = {"merge_exact", "unmerge_exact", "backup_merge_restore"}, .threads = {1}},
           {.verbs = {"swap_exact"}, .types = all, .percents = {1, 10}},
           {.verbs = {"backup_merge_restore"}, .ranks = usual_ranks},
           {.verbs = {"backup_merge_restore"}, .types = {fp32}, .ranks = {16, 64}},
           {.verbs = peers, .types = {bf16, fp32}, .ranks = ranks},
           {.verbs = peers, .types = {bf16, fp32}, .ranks = {8, 32, 128}, .threads = {1}},
           {.verbs = {"merge@sse2", "merge@avx2", "merge@avx512", "merge@avx512vbmi2",
                      "merge@avx512bf16"},
           .ranks = {16, 64}},
           {.verbs = {"record_size"}, .types = all, .percents = {0.1, 0.3, 1, 3, 10, 30, 100}},
       })
    selections.push_back(more);
  return selections;
}

bool wish::is_empty() const {
  return verbs.empty() && types.empty() && shapes.empty() && ranks.empty() && percents.empty() &&
         threads.empty();
}

selection selection_of(const wish& wished) {
  selection chosen;
  take(wished.verbs, chosen.verbs, verb_of);
  take(wished.types, chosen.types, types_of);
  take(wished.shapes, chosen.shapes, shape_of);
  take(wished.ranks, chosen.ranks,
       [](const std::string& text) { return number_of<std::ptrdiff_t>("--ranks", text); });
  take(wished.percents, chosen.percents,
       [](const std::string& text) { return number_of<double>("--percent", text); });
  take(wished.threads, chosen.threads,
       [](const std::string& text) { return number_of<int>("--threads", text); });
  return chosen;
}

}  // namespace bench
