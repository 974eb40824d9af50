#include "formats/peft_contents.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "formats/peft_factors.hpp"
#include "formats/peft_names.hpp"

namespace revlora::tool {

namespace {

struct named_tensor {
  peft_name name;
  const tensor* stored;
};

/// The tensors of a file by what they are.
class sorted_tensors {
 public:
  sorted_tensors(std::span<const tensor> tensors, const peft_config& config,
                 const std::string& source)
      : config_(config), source_(source) {
    for (const tensor& each : tensors) add({parse_peft_name(each.name, source), &each});
    for (auto& [at, pair] : pairs_) {
      const auto output = pairs_.find({at.first + ".out_proj", 0});
      pair.is_attention_input = output != pairs_.end() && output->second.is_attention_output;
    }
  }

  peft_contents contents() const {
    peft_contents all{{}, refused_};
    for (const auto& [name, each] : replaced_) all.updates.push_back(replacement_of(each));
    for (const named_tensor& each : tokens_) all.updates.push_back(rows_of(each));
    for (const auto& [at, pair] : pairs_) {
      const std::string& module = at.first;
      if (pair.a != nullptr && pair.b != nullptr) {
        const std::string reason = reason_to_refuse(pair, module);
        if (all.refused.empty()) all.refused = reason;
      }
      for (adapter_update& update : updates_of(pair, module, config_, start(module))) {
        all.updates.push_back(std::move(update));
      }
    }
    // What replaces a whole tensor stays in front of what replaces some of its rows.
    std::ranges::stable_sort(all.updates, {}, [](const adapter_update& each) {
      return std::tie(each.module, each.parameter);
    });
    return all;
  }

 private:
  using place = std::pair<std::string, std::size_t>;  ///< a module, and how deep in its wrappers

  std::string start(const std::string& module) const {
    return source_ + ": the module " + quoted(module) + " ";
  }

  void refuse(const std::string& reason) {
    if (refused_.empty()) refused_ = reason;
  }

  void add(const named_tensor& each) {
    switch (each.name.part) {
      case peft_part::a:
      case peft_part::b:
      case peft_part::b_bias:
      case peft_part::embedding_a:
      case peft_part::embedding_b:
        return add_factor(each);
      case peft_part::tokens:
        return tokens_.push_back(each);
      case peft_part::tensor:
      case peft_part::saved:
        return add_replaced(each);
      case peft_part::magnitude:
        return refuse("the tensor " + quoted(each.stored->name) +
                      " has DoRA magnitudes, which rescale the merged weights: revlora has no "
                      "merge for that, PEFT's merge_and_unload() has one");
      case peft_part::unknown:
        return refuse("the tensor " + quoted(each.stored->name) +
                      " is not a factor that revlora knows: revlora has no merge for it");
      case peft_part::needless:
        return;
    }
  }

  void add_factor(const named_tensor& each) {
    const peft_part part = each.name.part;
    const bool embedding = part == peft_part::embedding_a || part == peft_part::embedding_b;
    factor_pair& pair = pairs_[{each.name.module, each.name.depth}];
    const tensor*& side = part == peft_part::b_bias                                ? pair.b_bias
                          : part == peft_part::a || part == peft_part::embedding_a ? pair.a
                                                                                   : pair.b;
    const bool empty = pair.a == nullptr && pair.b == nullptr;
    const layer_kind kind = embedding                        ? layer_kind::embedding
                            : each.stored->shape.size() <= 2 ? layer_kind::linear
                                                             : layer_kind::convolution;
    const bool says_kind = part != peft_part::b_bias;
    if (side != nullptr || (says_kind && !empty && pair.kind != kind)) {
      throw problem(start(each.name.module) +
                    "has more than one adapter: save each in a file of its own");
    }
    side = each.stored;
    if (says_kind) pair.kind = kind;
    pair.depth = each.name.depth;
    pair.is_attention_output = each.name.is_wrapped;
  }

  void add_replaced(const named_tensor& each) {
    const auto [found, added] =
        replaced_.try_emplace({each.name.module, each.name.parameter}, each);
    if (added) return;
    named_tensor& other = found->second;
    // PEFT saves trained heads twice when it saves resized embeddings along.
    if (each.name.part == peft_part::saved && other.name.part == peft_part::tensor) return;
    if (each.name.part == peft_part::tensor && other.name.part == peft_part::saved) {
      other = each;
      return;
    }
    throw problem(source_ + ": " + quoted(other.stored->name) + " and " +
                  quoted(each.stored->name) + " are the same tensor of the model");
  }

  bool has_factors(const std::string& module) const {
    const auto found = pairs_.lower_bound({module, 0});
    return found != pairs_.end() && found->first.first == module;
  }

  adapter_update replacement_of(const named_tensor& each) const {
    const peft_name& name = each.name;
    const bool trained = name.parameter == "bias" && config_.trains_biases();
    const bool with_tokens = std::ranges::any_of(
        tokens_, [&](const named_tensor& rows) { return rows.name.module == name.module; });
    replacement_update update{each.stored->shape, matrix_of(0, *each.stored), {}, false};
    update.is_likely_the_base =
        name.is_wrapped && !trained && (has_factors(name.module) || with_tokens);
    return {.module = name.module, .parameter = name.parameter, .content = std::move(update)};
  }

  adapter_update rows_of(const named_tensor& each) const {
    const std::string& module = each.name.module;
    auto rows = config_.token_indices_of(module);
    if (!rows) {
      throw problem(start(module) +
                    "has rows of trained tokens, but adapter_config.json does not say which");
    }
    const auto& shape = each.stored->shape;
    std::vector<std::uint64_t> sorted = *rows;
    std::ranges::sort(sorted);
    const bool repeated = std::ranges::adjacent_find(sorted) != sorted.end();
    if (shape.size() != 2 || shape[0] != rows->size() || repeated) {
      throw problem(start(module) + "has trained tokens " + describe_shape(shape) +
                    ", but adapter_config.json names " +
                    (repeated ? "some of them twice" : counted(rows->size(), "row")));
    }
    replacement_update update{shape, matrix_of(0, *each.stored), std::move(rows), false};
    return {.module = module, .parameter = each.name.parameter, .content = std::move(update)};
  }

  const peft_config& config_;
  std::string source_;
  std::string refused_;
  std::map<place, factor_pair> pairs_;
  std::map<std::pair<std::string, std::string>, named_tensor> replaced_;
  std::vector<named_tensor> tokens_;
};

}  // namespace

peft_contents contents_of(std::span<const tensor> tensors, const peft_config& config,
                          const std::string& source) {
  peft_contents all = sorted_tensors(tensors, config, source).contents();
  if (all.updates.empty() && all.refused.empty()) throw problem(source + ": no LoRA factors in it");
  return all;
}

}  // namespace revlora::tool
