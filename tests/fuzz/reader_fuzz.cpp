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
#include "safetensors/dtype.hpp"
#include "safetensors/gguf_header.hpp"
#include "safetensors/tensor_table.hpp"
#include "undo/record_in_file.hpp"
#include "undo/undo_file.hpp"
#include "undo/undo_section.hpp"

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
    const factor_fit fit = fit_of(update, weight.shape);
    if (fit == factor_fit::none) {
      require(is_fit_for_a_terminal(reason_of_misfit(update, weight.shape)));
      continue;
    }
    for (const bool is_transposed : {false, true}) {
      if (fit == (is_transposed ? factor_fit::as_they_are : factor_fit::transposed)) continue;
      const factor_source factors = oriented(update, is_transposed, 0, 1);
      require(weight.element_count() == factors.b.rows * factors.columns());
      require(factors.rank() == update.b.cols);
    }
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

void require_relative(const std::string& name) {
  std::size_t begin = 0;
  for (std::size_t end = 0; end != name.size(); begin = end + 1) {
    end = std::min(name.find('/', begin), name.size());
    require_plain(name.substr(begin, end - begin));
  }
}

std::uint64_t elements_of(const std::vector<std::uint64_t>& shape) {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) {
    require(!__builtin_mul_overflow(count, extent, &count));
  }
  return count;
}

void require_inside(const file_range& range, std::uint64_t file_bytes) {
  require(range.begin <= file_bytes && range.size <= file_bytes - range.begin);
}

void follow_kept_factors(const kept_factors& factors, const undo_merge& merge,
                         std::uint64_t file_bytes) {
  require(factors.adapter < merge.adapters.size() && std::isfinite(factors.strength));
  if (factors.embedded) {
    require_inside(*factors.embedded, file_bytes);
    const std::uint64_t numbers = (factors.rows + factors.cols) * factors.rank;
    require(factors.embedded->size == numbers * size_of(factors.type));
    return;
  }
  require(factors.elsewhere.size() == 2 || factors.elsewhere.size() == 3);
  for (const matrix_elsewhere& each : factors.elsewhere) require_relative(each.file);
  require(factors.elsewhere[0].rows == factors.rows && factors.elsewhere[0].cols == factors.rank);
  require(factors.elsewhere.size() == 3 || factors.elsewhere[1].cols == factors.cols);
}

void follow_window(const undo_window& window, const undo_tensor& tensor, const file& opened,
                   std::uint64_t file_bytes) {
  const std::uint64_t elements = elements_of({window.rows, window.cols});
  require(window.base_rows <= window.rows || window.cols == 0);
  require(window.changed <= elements);
  for (const window_update& each : window.updates) {
    require(each.factors < tensor.factors.size());
    const kept_factors& factors = tensor.factors[each.factors];
    require(factors.cols == window.cols && each.first_row <= factors.rows);
    require(window.rows <= factors.rows - each.first_row);
  }
  require(!window.updates.empty() || window.base);
  if (!window.updates.empty()) {
    require_inside(window.record, file_bytes);
    try {
      const undo_record record = read_record(opened, tensor, window);
      require(record.fingerprints().size() == window.updates.size());
    } catch (const problem& error) {
      require(is_fit_for_a_terminal(error.what()));
    }
  }
  if (!window.base) return;
  require(window.merged.has_value());
  require_inside(window.kept, file_bytes);
  std::uint64_t position = 0, rows = 0;
  for (const row_run& run : window.kept_rows) {
    require(run.first >= position && run.count <= window.base_rows - run.first);
    position = run.first + run.count;
    rows += run.count;
  }
  require(rows * window.cols * *size_of_dtype(tensor.dtype) == window.kept.size);
}

void follow_undo_tensor(const undo_tensor& tensor, const undo_merge& merge, const file& opened,
                        std::uint64_t file_bytes) {
  const std::uint64_t elements = elements_of(tensor.shape);
  require(size_of_dtype(tensor.dtype).has_value());
  require(tensor.is_new || elements_of(tensor.base_shape) <= elements);
  for (const kept_factors& each : tensor.factors) follow_kept_factors(each, merge, file_bytes);
  std::uint64_t position = 0;
  for (const undo_window& each : tensor.windows) {
    require(each.begin >= position && each.begin <= elements);
    require(each.rows * each.cols <= elements - each.begin);
    follow_window(each, tensor, opened, file_bytes);
    position = each.begin + each.rows * each.cols;
  }
}

void follow_undo_shard(const undo_shard& shard, const undo_merge& merge, const file& opened,
                       std::uint64_t file_bytes) {
  require_relative(shard.identity.name);
  if (shard.base_header) require_inside(*shard.base_header, file_bytes);
  require(shard.base_header.has_value() == shard.merged_header.has_value());
  std::set<std::string> names;
  for (const undo_tensor& each : shard.tensors) {
    require(names.insert(each.name).second);
    follow_undo_tensor(each, merge, opened, file_bytes);
  }
  const std::string header = section_header_of(shard, 0);
  const undo_section again = read_section(header, {0, file_bytes}, merge.adapters.size(), source);
  require(section_header_of(again, 0) == header);
}

void follow_undo_file(const std::string& text, bool fits) {
  const std::string bytes = tests::undo_file_with(text, fits);
  const file opened = tests::file_in_memory(bytes);
  const undo_file undo = undo_file::read(opened);
  require(undo.is_finished() && undo.whole_bytes() == bytes.size());
  for (const undo_merge& merge : undo.merges()) {
    require(merge.model.is_absolute());
    for (const merged_adapter& adapter : merge.adapters) {
      require(adapter.path.is_absolute() && std::isfinite(adapter.strength));
      require(adapter.path.native().find('\0') == std::string::npos);
    }
    for (const std::string& name : merge.files) require_relative(name);
    for (const undo_shard& shard : merge.shards) {
      follow_undo_shard(shard, merge, opened, bytes.size());
    }
    for (const undo_text& each : merge.texts) {
      require_relative(each.file);
      require_inside(each.base, bytes.size());
    }
  }
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
