#include "formats/factor_pairs.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

std::map<std::string, factor_pair> factor_pairs(std::span<const tensor> tensors,
                                                const std::string& source, unused_tensors& unused) {
  constexpr std::string_view end_of_a = ".lora_a";
  std::map<std::string, factor_pair> pairs;
  for (const tensor& stored : tensors) {
    check_name(stored, source);
    const bool is_a = stored.name.ends_with(end_of_a);
    if (!is_a && !stored.name.ends_with(".lora_b")) {
      unused.add(stored);
      continue;
    }
    check_factor_type(stored, source + ": the tensor " + quoted(stored.name) + " ");
    factor_pair& pair = pairs[stored.name.substr(0, stored.name.size() - end_of_a.size())];
    (is_a ? pair.a : pair.b) = &stored;
  }
  for (const auto& [module, pair] : pairs) {
    if (pair.a != nullptr && pair.b != nullptr) continue;
    throw problem(source + ": " + quoted(module) + " has no " +
                  (pair.a == nullptr ? "lora_a" : "lora_b"));
  }
  if (pairs.empty()) throw problem(source + ": no factors in it");
  return pairs;
}

void refuse_shapes(const factor_pair& pair, const std::string& module, const std::string& source) {
  throw problem(source + ": " + quoted(module) + " has factors that do not fit: lora_a " +
                describe_shape(pair.a->shape) + ", lora_b " + describe_shape(pair.b->shape));
}

std::vector<low_rank_update> updates_of_experts(const low_rank_update& stack,
                                                std::uint64_t experts) {
  constexpr std::uint64_t most = 65536;
  if (experts == 0 || experts > most) return {};
  const std::uint64_t out = stack.b.rows / experts;
  const std::uint64_t rank = stack.b.cols;
  const bool is_shared = stack.a.rows == rank;
  std::vector<low_rank_update> updates;
  for (std::uint64_t expert = 0; expert < experts; ++expert) {
    low_rank_update& update = updates.emplace_back(stack);
    update.shape = {out, stack.a.cols};
    update.rows = row_range{expert * out, experts * out};
    update.b = stack.b.row_slice(expert * out, out);
    update.a = stack.a.row_slice(is_shared ? 0 : expert * rank, rank);
  }
  return updates;
}

}  // namespace revlora::tool
