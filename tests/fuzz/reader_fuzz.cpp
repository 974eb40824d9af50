// Text that claims to be a part of some file never does harm: the program's readers refuse it with
// a message that is fit for a terminal, or what they make of it keeps their promises.
//
// The first character says which reader it is for; a capital, that lengths, offsets and checksums
// are made to fit. What comes behind it is a header, an index or a configuration: JSON, which the
// mutator keeps.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <set>

#include "checkpoint/shard_index.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "console/utf8.hpp"
#include "files/file_name.hpp"
#include "fitting.hpp"
#include "formats/factor_file.hpp"
#include "formats/peft_contents.hpp"
#include "json_mutator.hpp"
#include "plan/oriented_factors.hpp"
#include "safetensors/gguf_header.hpp"
#include "safetensors/tensor_table.hpp"
#include "undo/undo_file.hpp"

namespace {

using namespace revlora;
using namespace revlora::tool;

const std::string source = "file";
const std::string readers = "tTaAkKcgixuU";

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_fit_for_a_terminal(const std::string& text) {
  return is_utf8(text) && !has_control_characters(text) && text.size() < 100'000;
}

void require_plain(const std::string& name) {
  require(!name.empty() && name.size() <= 255 && name != "." && name != "..");
  for (const char character : name) {
    require(character != '/' && character != 127 && (character < 0 || character >= ' '));
  }
}

std::vector<tensor> follow_table(std::string header, bool fits) {
  if (fits) header = tests::laid_out(header);
  const std::uint64_t file_bytes = 8 + header.size() + tests::data_bytes_of(header);
  if (file_bytes < 8 + header.size()) return {};
  const auto tensors = read_tensor_table(header, file_bytes, source);
  std::uint64_t position = 8 + header.size();
  std::set<std::string> names;
  for (const tensor& t : tensors) {
    require(t.begin == position && t.end >= t.begin && t.shape.size() <= 64);
    require(names.insert(t.name).second);
    if (const auto matrix = matrix_of(t.dtype, t.shape)) {
      require(matrix->rows >= 0 && matrix->cols >= 0 && matrix->type == t.type());
      const auto elements = static_cast<std::uint64_t>(matrix->rows * matrix->cols);
      require(elements == t.element_count() && elements * size_of(matrix->type) == t.size_bytes());
    }
    position = t.end;
  }
  require(position == file_bytes);
  return tensors;
}

/// Whether a matrix lies within a tensor of the file.
bool is_inside(const stored_matrix& matrix, const std::vector<tensor>& tensors) {
  return std::ranges::any_of(tensors, [&](const tensor& each) {
    const std::uint64_t elements = each.element_count();
    return matrix.begin == each.begin && matrix.dtype == each.dtype &&
           matrix.rows * matrix.cols == elements;
  });
}

void follow_low_rank(const low_rank_update& update, const std::vector<tensor>& tensors) {
  require(is_inside(update.a, tensors) && is_inside(update.b, tensors));
  require(update.b.cols == update.a.rows && update.b.rows == update.shape[0]);
  require(std::isfinite(update.scale));
  for (const tensor& weight : tensors) {
    const auto planned = orient(update, weight, 0, 1);
    if (!planned) continue;
    require(planned->region.rows == planned->factors.b.rows);
    require(planned->region.cols == planned->factors.columns());
    require(weight.element_count() == planned->region.rows * planned->region.cols);
  }
}

void follow_stack(const expert_stack_update& update, const std::vector<tensor>& tensors) {
  require(is_inside(update.a, tensors) && is_inside(update.b, tensors));
  require(update.experts > 0 && update.a.rows % update.experts == 0);
  require(update.b.cols == update.a.rows && !update.parameters.empty());
}

void follow_replacement(const replacement_update& update, const std::vector<tensor>& tensors) {
  require(is_inside(update.values, tensors));
  require(!update.rows || update.rows->size() == update.values.rows);
}

void follow_adapter(const std::string& header, bool fits) {
  static const peft_config config(
      std::string(R"({"peft_type":"LORA","r":2,"lora_alpha":1,"rank_pattern":{"other":1},)"
                  R"("target_parameters":["experts.up","experts.down"],)"
                  R"("trainable_token_indices":{"e":[0,2]}})"),
      source);
  const auto tensors = follow_table(header, fits);
  const peft_contents all = contents_of(tensors, config, source);
  require(is_fit_for_a_terminal(all.refused));
  for (const adapter_update& each : all.updates) {
    require(!each.module.empty() && !has_control_characters(each.module));
    if (const auto* low_rank = std::get_if<low_rank_update>(&each.content)) {
      follow_low_rank(*low_rank, tensors);
    } else if (const auto* stack = std::get_if<expert_stack_update>(&each.content)) {
      follow_stack(*stack, tensors);
    } else if (const auto* difference = std::get_if<difference_update>(&each.content)) {
      require(is_inside(difference->values, tensors));
    } else {
      follow_replacement(std::get<replacement_update>(each.content), tensors);
    }
  }
}

void require_within(const stored_matrix& matrix, const std::vector<tensor>& tensors) {
  const auto holds = [&](const tensor& each) {
    return each.begin <= matrix.begin && each.dtype == matrix.dtype &&
           matrix.rows * matrix.cols <= each.element_count();
  };
  require(std::any_of(tensors.begin(), tensors.end(), holds));
}

void follow_factors(const std::string& header, bool fits) {
  const auto tensors = follow_table(header, fits);
  const factor_reading reading = read_factors(
      tensors,
      {.number = 0,
       .source = source,
       .number_in = [](const tensor&) { return 2.0; },
       .usual_scale = [](const module_name&, std::uint64_t) { return std::optional<double>(); }});
  require(reading.updates.size() <= tensors.size() && reading.unused.size() <= 11);
  for (const adapter_update& each : reading.updates) {
    const auto* const update = std::get_if<low_rank_update>(&each.content);
    if (update == nullptr) continue;
    require(update->shape.size() >= 2 && update->b.rows == update->shape[0]);
    require(update->core || update->b.cols == update->a.rows);
    require(!update->rows || update->rows->first + update->shape[0] <= update->rows->total);
    require(std::isfinite(update->scale));
    require_within(update->b, tensors);
    require_within(update->a, tensors);
  }
}

void follow_gguf(const std::string& text) {
  const std::string file = "GGUF" + text;
  const gguf_file header = read_gguf(std::as_bytes(std::span(file)), source);
  std::uint64_t position = 0;
  for (const tensor& t : header.tensors) {
    require(t.begin >= position && t.end >= t.begin && t.end <= file.size());
    require(t.shape.size() <= 4);
    if (const auto matrix = matrix_of(t.dtype, t.shape)) {
      const auto elements = static_cast<std::uint64_t>(matrix->rows * matrix->cols);
      require(elements == t.element_count() && elements * size_of(matrix->type) == t.size_bytes());
    }
    position = t.end;
  }
}

void follow_index(const std::string& text) {
  const shard_index index = read_shard_index(text, source);
  require(!index.shard_of.empty());
  std::set<std::string> shards;
  for (const auto& [name, shard] : index.shard_of) shards.insert(shard);
  require(std::vector<std::string>(shards.begin(), shards.end()) == index.shards);
  for (const std::string& shard : shards) require_plain(shard);
}

void follow_config(const std::string& text) {
  const peft_config config(text, source);
  require(is_fit_for_a_terminal(config.refused()));
  for (const char* module : {"m", "x.m", "model.layers.1.self_attn.q_proj", "ü.m", ""}) {
    config.parameters_of(module);
    config.token_indices_of(module);
    try {
      require(config.rank_of(module) >= 1);
      require(std::isfinite(config.scale_of(module)));
    } catch (const problem& error) {
      require(is_fit_for_a_terminal(error.what()));
    }
  }
}

void follow_undo_file(const std::string& header, bool fits) {
  const auto undo = undo_file::from_bytes(tests::undo_file_with(header, fits), source);
  std::set<std::string> names;
  require(undo.model.is_absolute());
  for (const merged_adapter& adapter : undo.adapters) {
    require(adapter.path.is_absolute() && std::isfinite(adapter.strength));
    require(adapter.path.native().find('\0') == std::string::npos);
  }
  for (const file_identity& file : undo.files) require_plain(file.name);
  for (const merged_tensor& tensor : undo.tensors) {
    require_plain(tensor.file);
    require(names.insert(tensor.name).second);
    require(tensor.record.type() == type_of(tensor.dtype) && tensor.shape.size() >= 2);
    require(static_cast<std::uint64_t>(tensor.record.rows()) == tensor.shape[0]);
    require(tensor.record.fingerprints().size() <= undo.adapters.size());
    std::ptrdiff_t elements = 0;
    require(!__builtin_mul_overflow(tensor.record.rows(), tensor.record.cols(), &elements));
    require(tensor.changed <= static_cast<std::uint64_t>(elements));
  }
  const auto bytes = undo.to_bytes();
  require(undo_file::from_bytes(bytes, source).to_bytes() == bytes);
}

void follow(char reader, const std::string& text) {
  const bool fits = std::isupper(static_cast<unsigned char>(reader)) != 0;
  switch (std::tolower(static_cast<unsigned char>(reader))) {
    case 't':
      follow_table(text, fits);
      break;
    case 'a':
      follow_adapter(text, fits);
      break;
    case 'k':
      follow_factors(text, fits);
      break;
    case 'g':
      follow_gguf(text);
      break;
    case 'c':
      follow_config(text);
      break;
    case 'i':
      follow_index(text);
      break;
    case 'u':
      follow_undo_file(text, fits);
      break;
    case 'x':
      require(is_fit_for_a_terminal(quoted(text)));
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.empty()) return 0;
  try {
    follow(text[0], text.substr(1));
  } catch (const problem& error) {
    require(is_fit_for_a_terminal(error.what()));
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t limit);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
  if (size == 0 || seed % 4 == 0) return LLVMFuzzerMutate(data, size, limit);
  std::string text(reinterpret_cast<const char*>(data), size);
  const std::string mutated = revlora::tests::json_mutator(seed).mutate(text.substr(1));
  if (mutated == text.substr(1) || mutated.size() + 1 > limit) {
    return 1 + LLVMFuzzerMutate(data + 1, size - 1, limit - 1);
  }
  if (seed % 32 == 1) data[0] = static_cast<std::uint8_t>(readers[seed / 32 % readers.size()]);
  std::copy(mutated.begin(), mutated.end(), data + 1);
  return 1 + mutated.size();
}
