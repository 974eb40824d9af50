#include "plan/mergeable.hpp"

#include <array>
#include <optional>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "safetensors/gguf_header.hpp"

namespace revlora::tool {

namespace {

constexpr std::string_view suffix = ".weight";
constexpr const char* what_to_do =
    ": merge into the model in bf16, fp16 or fp32, and quantise the result";

struct companion {
  std::string_view ending;  ///< of a tensor beside the weight
  const char* scheme;
};

constexpr std::array<companion, 6> companions_of_weights = {
    {{".weight.absmax", "4-bit weights of bitsandbytes"},
     {".SCB", "8-bit weights of bitsandbytes"},
     {".weight_scale_inv", "fp8 weights with a scale for each block"},
     {".weight_scale", "quantised weights with scales beside them"},
     {".scale_weight", "fp8 weights with scales beside them"},
     {".input_scale", "quantised weights with scales beside them"}}};

constexpr std::array<companion, 3> packed_weights = {
    {{".qweight", "weights packed by GPTQ or AWQ"},
     {".weight_packed", "packed weights of compressed-tensors"},
     {"_blocks", "packed MXFP4 weights"}}};

template <std::size_t N>
std::optional<companion> find_beside(const checkpoint& model, const std::string& stem,
                                     const std::array<companion, N>& list) {
  for (const companion& each : list) {
    if (model.find(stem + std::string(each.ending)) != nullptr) return each;
  }
  return {};
}

std::string stem_of(const std::string& name) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

}  // namespace

void check_mergeable(const checkpoint& model, const std::string& name, const located_tensor& at) {
  if (at.entry.type()) return;
  const auto found = find_beside(model, stem_of(name), companions_of_weights);
  throw problem("the tensor " + quoted(name) + " is " + at.entry.dtype +
                (found ? ", one of " + std::string(found->scheme) : "") +
                ": only F32, F16 and BF16 weights can be merged into" + what_to_do);
}

void check_architecture(const checkpoint& model, const stored_adapter& adapter,
                        const std::string& source) {
  if (adapter.architecture.empty() || model.shards().empty()) return;
  const tensor_file& first = model.file_of(0);
  if (first.container() != tensor_container::gguf) return;
  const std::string its = read_gguf(first.content()).text("general.architecture");
  if (its.empty() || its == adapter.architecture) return;
  throw problem(source + "it is for models of the kind " + quoted(adapter.architecture) +
                ", and the model is " + quoted(its));
}

void check_not_quantised(const checkpoint& model, const std::string& name) {
  const std::string stem = stem_of(name);
  const auto found = find_beside(model, stem, packed_weights);
  if (!found) return;
  throw problem("the model has " + quoted(name) + " as " +
                quoted(stem + std::string(found->ending)) + ", " + found->scheme + what_to_do);
}

}  // namespace revlora::tool
