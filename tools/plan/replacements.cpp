#include "plan/replacements.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

/// Whether the tensor has these numbers already, once they have its type.
bool has_them(const checkpoint& model, const located_tensor& at, const adapter_files& files,
              const stored_matrix& values) {
  const auto type = at.entry.type();
  if (!type || values.rows * values.cols != at.entry.element_count()) return false;
  const std::uint64_t bytes_of_row = values.cols * size_of(*type);
  // A few rows at a time: an embedding may be larger than what memory is free.
  const std::uint64_t step = std::max<std::uint64_t>(
      1, (std::uint64_t{4} << 20) / std::max<std::uint64_t>(1, bytes_of_row));
  const auto& stored_in = model.file_of(at.shard).content();
  for (std::uint64_t row = 0; row < values.rows && bytes_of_row > 0; row += step) {
    const std::uint64_t rows = std::min(step, values.rows - row);
    std::vector<std::byte> stored(rows * bytes_of_row);
    stored_in.read(stored, at.entry.begin + row * bytes_of_row);
    if (stored != read_as(files, values.row_slice(row, rows), *type)) return false;
  }
  return true;
}

/// The same rows of numbers in two places of the adapter's files.
bool are_equal(const adapter_files& files, const stored_matrix& a, const stored_matrix& b) {
  if (a == b) return true;
  if (a.rows != b.rows || a.cols != b.cols) return false;
  for (std::uint64_t row = 0; row < a.rows; ++row) {
    if (read_as(files, a.row_slice(row, 1), element_type::fp32) !=
        read_as(files, b.row_slice(row, 1), element_type::fp32)) {
      return false;
    }
  }
  return true;
}

/// Whether a shape is another's with at least as many rows.
bool extends(const std::vector<std::uint64_t>& larger, const std::vector<std::uint64_t>& shape) {
  return !shape.empty() && larger.size() == shape.size() && larger[0] >= shape[0] &&
         std::equal(shape.begin() + 1, shape.end(), larger.begin() + 1);
}

std::string describe_growth(const planned_tensor& planned) {
  return quoted(planned.name) + " grows from " + describe_shape(planned.entry.shape) + " to " +
         describe_shape(planned.shape) +
         ": where config.json says how many rows it has (\"vocab_size\" of embeddings), say " +
         std::to_string(planned.shape[0]) + " there, and take the adapter's tokenizer";
}

/// The rows that are replaced, in the tensor's order.
std::vector<replaced_row> sorted_rows(const replacement_update& update,
                                      const std::vector<std::uint64_t>& shape,
                                      const std::string& where) {
  const stored_matrix& values = update.values;
  if (update.rows->size() != values.rows || shape.size() != 2 || values.cols != shape[1]) {
    throw problem(where + "it has [" + std::to_string(values.rows) + ", " +
                  std::to_string(values.cols) + "] for " + counted(update.rows->size(), "row") +
                  " of a weight " + describe_shape(shape));
  }
  std::vector<replaced_row> rows;
  for (const std::uint64_t row : *update.rows) rows.push_back({row, rows.size()});
  std::ranges::sort(rows, {}, &replaced_row::row);
  if (std::ranges::adjacent_find(rows, {}, &replaced_row::row) != rows.end()) {
    throw problem(where + "it replaces a row twice");
  }
  if (!rows.empty() && rows.back().row >= shape[0]) {
    throw problem(where + "it replaces row " + std::to_string(rows.back().row) + " of a weight " +
                  describe_shape(shape) +
                  ": the model needs the rows that were added before the training");
  }
  return rows;
}

void set(planned_tensor& tensor, planned_replacement replacement, const stored_adapter& adapter,
         const std::string& where) {
  auto& present = tensor.replacement;
  if (!present) {
    present = std::move(replacement);
    return;
  }
  if (present->adapter != replacement.adapter) {
    throw problem(where + "another adapter replaces " + quoted(tensor.name) +
                  " too: which of them should it be?");
  }
  if (present->rows == replacement.rows &&
      are_equal(adapter.files, present->values, replacement.values)) {
    return;
  }
  throw problem(
      where + "the adapter has two different replacements of " + quoted(tensor.name) +
      ", which is one matrix of two names in the model: save the model with "
      "\"tie_word_embeddings\": false and an output layer of its own, and merge into that");
}

/// The tensor that is meant, as a whole.
const weight_match& whole_tensor(const plain_change& change) {
  const weight_match& match = change.matched.matches.front();
  if (match.share.layout == row_layout::whole && !match.expert_of_tensor && !match.expert_of_name) {
    return match;
  }
  throw problem(change.where +
                "the model keeps this weight as a part of another, or in parts: only updates by "
                "factors can be shared out so");
}

const planned_tensor* plan_new_tensor(const plain_change& change, const replacement_update& update,
                                      planned_tensors& planned, std::vector<std::string>& notes) {
  const std::string& dtype = update.values.dtype;
  if (!type_of(dtype)) {
    throw problem(change.where + "it is new, and " + dtype +
                  ": only F32, F16 and BF16 can be added");
  }
  const std::string& name = change.matched.name;
  planned_tensor& added = planned.add(name, dtype, update.shape);
  set(added, {change.number, update.values, {}}, change.adapter, change.where);
  notes.push_back(quoted(name) + " " + describe_shape(update.shape) +
                  " is new in the model: config.json may have to say that it is there");
  return &added;
}

const planned_tensor* plan_rows(const plain_change& change, const replacement_update& update,
                                const weight_match& match, planned_tensors& planned) {
  planned_tensor& tensor = planned.of(*match.tensor, *match.at);
  auto rows = sorted_rows(update, tensor.shape, change.where);
  set(tensor, {change.number, update.values, std::move(rows)}, change.adapter, change.where);
  return &tensor;
}

}  // namespace

const planned_tensor* plan_replacement(const plain_change& change, planned_tensors& planned,
                                       std::vector<std::string>& notes) {
  const auto& update = std::get<replacement_update>(change.matched.update->content);
  if (change.matched.matches.empty()) return plan_new_tensor(change, update, planned, notes);
  const weight_match& match = whole_tensor(change);
  if (update.rows) return plan_rows(change, update, match, planned);
  const located_tensor& at = *match.at;
  if (!extends(update.shape, at.entry.shape)) {
    throw problem(change.where + "it is " + describe_shape(update.shape) + " and would replace " +
                  quoted(*match.tensor) + " " + describe_shape(at.entry.shape) +
                  ": a tensor may only get more rows");
  }
  const adapter_files& files = change.adapter.files;
  const bool is_base = !change.merged_tensors.contains(*match.tensor);
  if (is_base && update.shape == at.entry.shape &&
      has_them(change.names.model, at, files, update.values)) {
    return nullptr;
  }
  planned_tensor& tensor = planned.of(*match.tensor, at);
  set(tensor, {change.number, update.values, {}}, change.adapter, change.where);
  if (tensor.shape != update.shape) {
    tensor.shape = update.shape;
    notes.push_back(describe_growth(tensor));
  }
  return &tensor;
}

void plan_difference(const plain_change& change, float strength, planned_tensors& planned) {
  const auto& difference = std::get<difference_update>(change.matched.update->content);
  const weight_match& match = whole_tensor(change);
  planned_tensor& tensor = planned.of(*match.tensor, *match.at);
  std::uint64_t elements = 1;
  for (const std::uint64_t extent : tensor.shape) elements *= extent;
  const std::uint64_t rows = tensor.shape.empty() ? 1 : tensor.shape[0];
  const stored_matrix& values = difference.values;
  if (values.rows != rows || values.rows * values.cols != elements) {
    throw problem(change.where + "the difference is " + describe_shape(difference.shape) +
                  ", and does not fit " + quoted(*match.tensor) + " " +
                  describe_shape(tensor.shape));
  }
  tensor.differences.push_back({change.number, values, strength});
}

}  // namespace revlora::tool
