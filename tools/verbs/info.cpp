#include "verbs/info.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>

#include "checkpoint/checkpoint.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/folder.hpp"
#include "files/workshop.hpp"
#include "formats/formats.hpp"
#include "plan/oriented_factors.hpp"
#include "undo/undo_state.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

void print_model(const checkpoint& model) {
  std::cout << "model " << printable(model.path()) << '\n'
            << "  " << counted(model.tensors().size(), "tensor") << " in "
            << counted(model.shards().size(), "file") << ", " << describe_bytes(model.size_bytes())
            << '\n';
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_dtype;
  for (const auto& [name, located] : model.tensors()) {
    auto& [tensors, elements] = by_dtype[located.entry.dtype];
    ++tensors;
    elements += located.entry.element_count();
  }
  for (const auto& [dtype, counts] : by_dtype) {
    std::cout << "  " << dtype << ": " << counted(counts.second, "number") << " in "
              << counted(counts.first, "tensor") << '\n';
  }
  for (const auto& [name, located] : model.tensors()) {
    std::cout << "    " << printable(name) << "  " << located.entry.dtype << ' '
              << describe_shape(located.entry.shape);
    if (model.shards().size() > 1) std::cout << "  " << printable(model.shards()[located.shard]);
    std::cout << '\n';
  }
}

void print_adapter(const stored_adapter& read) {
  std::cout << "adapter " << printable(read.path) << '\n'
            << "  " << read.description << ", " << counted(read.updates.size(), "module") << '\n';
  for (const adapter_update& update : read.updates) {
    std::cout << "    " << printable(update.module) << "  strength "
              << describe_shortest(update.scale) << ", " << describe_factors(update) << '\n';
  }
}

/// The merged model, if it lies beside its undo file, or else where it was merged.
std::optional<fs::path> model_of(const undo_file& undo, const folder& home) {
  const auto is_file = [&](const std::string& name) {
    const auto status = home.find(name, folder::links::followed);
    return status && status->is_regular();
  };
  const std::string beside = undo.model.filename().string();
  if (!beside.empty() && is_file(beside)) return home.path_of(beside);
  const bool files_beside = std::ranges::all_of(
      undo.tensors, [&](const merged_tensor& tensor) { return is_file(tensor.file); });
  if (files_beside) return home.path();
  std::error_code ignored;
  if (fs::exists(undo.model, ignored)) return undo.model;
  return {};
}

std::string describe_state(const undo_file& undo, const folder& home) {
  const auto model = model_of(undo, home);
  if (!model) return "the model is not here";
  try {
    return printable(*model) + " is " + compare(checkpoint(*model), undo).describe();
  } catch (const problem& error) {
    return error.what();
  }
}

void print_undo_file(const place& where, const file& opened) {
  const undo_file undo = undo_file::from_bytes(opened.read_all(), quoted(where.path()));
  std::uint64_t weights = 0;
  std::uint64_t changed = 0;
  for (const merged_tensor& tensor : undo.tensors) {
    weights += static_cast<std::uint64_t>(tensor.record.rows() * tensor.record.cols());
    changed += tensor.changed;
  }
  const std::uint64_t bytes = opened.size();
  const double bits =
      weights == 0 ? 0 : 8 * static_cast<double>(bytes) / static_cast<double>(weights);
  std::cout << "undo file " << printable(where.path()) << '\n'
            << "  " << describe_bytes(bytes) << ", " << describe_number(bits, 4)
            << " bits per weight\n"
            << "  the merge changed " << describe_count(changed) << " of "
            << describe_count(weights) << " weights in " << counted(undo.tensors.size(), "tensor")
            << '\n'
            << "  state: " << describe_state(undo, where.in) << '\n';
  for (const merged_adapter& adapter : undo.adapters) {
    std::cout << "  adapter " << printable(adapter.path) << ", strength "
              << describe_shortest(adapter.strength) << '\n';
  }
  for (const merged_tensor& tensor : undo.tensors) {
    const double elements = static_cast<double>(tensor.record.rows() * tensor.record.cols());
    std::cout << "    " << printable(tensor.file) << "  " << printable(tensor.name) << "  "
              << tensor.dtype << ' ' << describe_shape(tensor.shape);
    if (elements > 0) {
      std::cout << "  "
                << describe_number(8 * static_cast<double>(tensor.record.size_bytes()) / elements,
                                   4)
                << " bits per weight";
    }
    std::cout << '\n';
  }
}

}  // namespace

void run_info(const fs::path& path) {
  model_place where = find_model(path);
  report_left_overs(where.home);
  if (where.name) {
    const place file_at(path);
    const file opened = file_at.in.open(file_at.name, folder::links::followed);
    if (undo_file::begins_like_one(opened.read_start(8))) return print_undo_file(file_at, opened);
  } else if (has_adapter(where.home)) {
    return print_adapter(read_adapters({path}).front());
  }
  print_model(checkpoint(std::move(where)));
}

}  // namespace revlora::tool
