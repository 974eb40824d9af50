#include "demo/demo.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "demo/agreement.hpp"
#include "files/sha256.hpp"
#include "formats/formats.hpp"
#include "revlora/merge.hpp"
#include "revlora/subtract.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr const char* model_name = "model.safetensors";

fs::path demo_data(const fs::path& installed) {
  const fs::path source = fs::path(REVLORA_TEST_DATA) / "ocr-bf16";
  for (const fs::path& folder : {installed, source}) {
    if (!folder.empty() && fs::exists(folder / model_name)) return folder;
  }
  throw problem("the demo's data is neither in " + quoted(installed) + " nor in " + quoted(source));
}

class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (fs::temp_directory_path() / "revlora-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw system_problem("cannot create " + quoted(name));
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// How many weights are wrong after the adapter was added and subtracted again, without a record.
std::uint64_t wrong_after_subtraction(const checkpoint& model, const merge_plan& plan,
                                      const std::vector<stored_adapter>& adapters) {
  std::uint64_t wrong = 0;
  for (const planned_tensor& planned : plan.tensors()) {
    const std::vector<std::byte> original = model.bytes_of({planned.shard, planned.entry});
    std::vector<std::byte> bytes = original;
    const factor_source& source = planned.updates.front().factors;
    const loaded_factors factors = load(adapters.front().files, source);
    const matrix_shape shape = *matrix_of(planned.entry.dtype, planned.entry.shape);
    merge(shape.over(bytes), factors.view());
    subtract(shape.over(bytes), factors.view());
    const std::size_t size = size_of(shape.type);
    for (std::size_t i = 0; i < bytes.size(); i += size) {
      wrong += !std::equal(&bytes[i], &bytes[i] + size, &original[i]);
    }
  }
  return wrong;
}

std::uint64_t weights_of(const merge_plan& plan) {
  std::uint64_t sum = 0;
  for (const planned_tensor& planned : plan.tensors()) sum += planned.entry.element_count();
  return sum;
}

class stopwatch {
 public:
  std::string milliseconds() const {
    const std::chrono::duration<double, std::milli> passed = clock::now() - start_;
    return describe_number(passed.count(), 1) + " ms";
  }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point start_ = clock::now();
};

}  // namespace

void run_demo(const fs::path& installed) {
  const fs::path data = demo_data(installed);
  const fs::path adapter_folder = data / "lora-r8";
  const temporary_folder folder;
  const fs::path model = folder.path() / model_name;
  fs::copy_file(data / model_name, model);
  fs::permissions(model, fs::perms::owner_write, fs::perm_options::add);  // it may be installed
  const checkpoint base(data / model_name);
  const auto adapters = read_adapters({adapter_folder});
  const merge_plan plan(base, adapters, {.strengths = {1.0}});
  std::cout << "revlora demo: the PP-OCRv4 text recogniser (bf16, " << plan.tensors().size()
            << " linear layers, " << describe_count(weights_of(plan))
            << " weights)\nand a LoRA adapter of rank 8 that PEFT trained on it\n\n";

  const std::string before = sha256_of_file(model);
  const stopwatch merging;
  const merge_result merged = merge_model({.model = model, .adapters = {{adapter_folder}}});
  const std::string merge_time = merging.milliseconds();
  const agreement peft = compare_with_peft(
      base, checkpoint(model), adapter_folder / "merged_by_peft.safetensors", plan, adapters);
  const stopwatch unmerging;
  unmerge_model({.model = model});
  const std::string unmerge_time = unmerging.milliseconds();
  const std::string after = sha256_of_file(model);
  const std::uint64_t wrong = wrong_after_subtraction(base, plan, adapters);

  std::cout << "merged in place    " << describe_count(merged.changed) << " weights changed, in "
            << merge_time << '\n'
            << "agrees with PEFT   " << describe_count(peft.equal) << " of "
            << describe_count(peft.weights) << " weights have equal bits\n"
            << "                   largest difference " << peft.largest_difference
            << (peft.within_bound() ? ", within" : ", NOT within") << " the rounding bound\n"
            << "undo record        " << describe_bytes(merged.record_bytes) << ": "
            << describe_number(8.0 * static_cast<double>(merged.record_bytes) /
                                   static_cast<double>(merged.weights),
                               3)
            << " bits per weight, where a full copy takes 16\n"
            << "undo file          " << describe_bytes(merged.undo_bytes)
            << ", the adapter's factors and headers included\n"
            << "unmerged           in " << unmerge_time << '\n'
            << "plain subtraction  would have left " << describe_count(wrong) << " weights ("
            << percent(wrong, merged.weights) << ") wrong\n\n"
            << "SHA-256 before     " << before << '\n'
            << "SHA-256 after      " << after << '\n'
            << (before == after ? "equal: every bit is back\n" : "DIFFERENT\n");
  if (before != after) throw problem("the original did not come back");
  if (!peft.within_bound()) throw problem("the merged weights do not agree with PEFT's");
}

}  // namespace revlora::tool
