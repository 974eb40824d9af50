#include "info.hpp"

#include <iostream>
#include <map>
#include <optional>
#include <set>

#include "checkpoint.hpp"
#include "file.hpp"
#include "peft_adapter.hpp"
#include "problem.hpp"
#include "progress.hpp"
#include "undo_state.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

std::string shortest(double number) {
  return nlohmann::json(number).dump();
}

void print_model(const checkpoint& model) {
  std::cout << "model " << model.path().string() << '\n'
            << "  " << describe_count(model.tensors().size()) << " tensors in "
            << model.shards().size() << (model.shards().size() == 1 ? " file, " : " files, ")
            << describe_bytes(model.size_bytes()) << '\n';
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_dtype;
  for (const auto& [name, located] : model.tensors()) {
    auto& [tensors, elements] = by_dtype[located.entry.dtype];
    ++tensors;
    elements += located.entry.element_count();
  }
  for (const auto& [dtype, counts] : by_dtype) {
    std::cout << "  " << dtype << ": " << describe_count(counts.second) << " numbers in "
              << describe_count(counts.first) << " tensors\n";
  }
  for (const auto& [name, located] : model.tensors()) {
    std::cout << "    " << name << "  " << located.entry.dtype << ' '
              << describe_shape(located.entry.shape);
    if (model.shards().size() > 1) std::cout << "  " << model.shards()[located.shard];
    std::cout << '\n';
  }
}

void print_adapter(const peft_adapter& adapter) {
  std::cout << "adapter " << adapter.folder().string() << '\n'
            << "  PEFT LoRA" << (adapter.config().rank_stabilised() ? ", rank-stabilised" : "")
            << ", " << adapter.modules().size() << " modules\n";
  for (const module_factors& factors : adapter.modules()) {
    std::cout << "    " << factors.module << "  rank " << factors.rank() << ", strength "
              << shortest(factors.scale) << ", " << factors.a->dtype << ", A "
              << describe_shape(factors.a->shape) << ", B " << describe_shape(factors.b->shape)
              << '\n';
  }
}

/// The merged model, if it lies beside its undo file, or else where it was merged.
std::optional<fs::path> model_of(const undo_file& undo, const fs::path& path) {
  const fs::path folder = folder_of(path);
  const bool files_beside = std::all_of(
      undo.tensors.begin(), undo.tensors.end(),
      [&](const merged_tensor& tensor) { return fs::is_regular_file(folder / tensor.file); });
  const fs::path beside = folder / undo.model.filename();
  if (fs::is_regular_file(beside)) return beside;
  if (files_beside) return folder;
  if (fs::exists(undo.model)) return undo.model;
  return {};
}

std::string describe_state(const undo_file& undo, const fs::path& path) {
  const auto model = model_of(undo, path);
  if (!model) return "the model is not here";
  try {
    return model->string() + " is " + compare(checkpoint(*model), undo).describe();
  } catch (const problem& error) {
    return error.what();
  }
}

void print_undo_file(const fs::path& path) {
  const undo_file undo = undo_file::read(path);
  std::uint64_t weights = 0;
  std::uint64_t changed = 0;
  for (const merged_tensor& tensor : undo.tensors) {
    weights += static_cast<std::uint64_t>(tensor.record.rows() * tensor.record.cols());
    changed += tensor.changed;
  }
  const auto bytes = fs::file_size(path);
  const double bits =
      weights == 0 ? 0 : 8 * static_cast<double>(bytes) / static_cast<double>(weights);
  std::cout << "undo file " << fs::absolute(path).lexically_normal().string() << '\n'
            << "  " << describe_bytes(bytes) << ", " << describe_number(bits, 4)
            << " bits per weight\n"
            << "  the merge changed " << describe_count(changed) << " of "
            << describe_count(weights) << " weights in " << undo.tensors.size() << " tensors\n"
            << "  state: " << describe_state(undo, path) << '\n';
  for (const merged_adapter& adapter : undo.adapters) {
    std::cout << "  adapter " << adapter.folder.string() << ", strength "
              << shortest(adapter.strength) << '\n';
  }
  for (const merged_tensor& tensor : undo.tensors) {
    const double elements = static_cast<double>(tensor.record.rows() * tensor.record.cols());
    std::cout << "    " << tensor.file << "  " << tensor.name << "  " << tensor.dtype << ' '
              << describe_shape(tensor.shape);
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
  if (!fs::exists(path)) throw problem("'" + path.string() + "' does not exist");
  if (fs::is_directory(path)) {
    if (fs::exists(path / "adapter_config.json")) return print_adapter(peft_adapter(path));
    return print_model(checkpoint(path));
  }
  if (undo_file::is_one(path)) return print_undo_file(path);
  print_model(checkpoint(path));
}

}  // namespace revlora::tool
