#include "formats/factor_file.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "formats/adapter_path.hpp"
#include "formats/adapter_tensors.hpp"
#include "safetensors/file_metadata.hpp"
#include "safetensors/safetensors_file.hpp"

namespace revlora::tool {

namespace {

template <class Number>
double number_from(const std::vector<std::byte>& bytes) {
  Number number;
  std::memcpy(&number, bytes.data(), sizeof number);
  return static_cast<double>(number);
}

}  // namespace

std::optional<std::vector<tensor>> try_to_read_tensors(const std::filesystem::path& path) {
  const auto opened = try_to_open(path);
  if (!opened) return {};
  try {
    return read_tensor_table(*opened);
  } catch (const problem&) {
    return {};
  }
}

bool has_tensor(const std::filesystem::path& path, bool (*is_own)(std::string_view)) {
  const auto tensors = try_to_read_tensors(path);
  return tensors &&
         std::ranges::any_of(*tensors, [&](const tensor& each) { return is_own(each.name); });
}

factor_reading read_factors(std::span<const tensor> tensors, const file_of_factors& from) {
  factor_reading result;
  unused_tensors unused;
  std::map<module_name, module_factors> modules;
  for (const tensor& stored : tensors) {
    check_name(stored, from.source);
    const auto name = factor_name_of(stored.name);
    if (stored.name.starts_with("bundle_emb.")) {
      unused.add(stored, "an embedding of textual inversion");
    } else if (!name) {
      unused.add(stored);
    } else if (name->role == factor_role::not_mergeable) {
      if (!result.refused.empty()) continue;
      result.refused = "its tensor " + quoted(stored.name) + " is of " + std::string(name->reason) +
                       ": revlora cannot merge that; merge it with the tool that made it";
    } else {
      module_name module = module_of(*name);
      modules.try_emplace(module, module).first->second.add(*name, stored, from.source);
    }
  }
  for (const auto& [name, factors] : modules) {
    if (factors.is_empty()) {
      // Of families that are not merged, alpha is all that is known.
      if (result.refused.empty())
        std::ranges::for_each(factors.tensors(), [&](auto* each) { unused.add(*each); });
      continue;
    }
    std::ranges::move(factors.updates(from, result.scale_is_known),
                      std::back_inserter(result.updates));
  }
  std::ranges::stable_sort(result.updates, [](const adapter_update& a, const adapter_update& b) {
    return std::tie(a.component, a.module, a.parameter) <
           std::tie(b.component, b.module, b.parameter);
  });
  result.unused = unused.finish();
  return result;
}

factor_file::factor_file(const std::filesystem::path& path)
    : files_(place(path).in),
      path_(files_.home().path_of(place(path).name)),
      number_(files_.open(place(path).name)),
      tensors_(read_tensor_table(files_.at(number_))),
      source_(quoted(path_)) {
}

std::optional<std::string> factor_file::text_beside(const std::string& name) {
  if (!files_.home().find(name, folder::links::followed)) return {};
  return files_.at(files_.open(name)).read_text();
}

double factor_file::number_in(const tensor& stored) const {
  const auto refuse = [&](const std::string& why) {
    throw problem(source_ + ": the tensor " + quoted(stored.name) + " is not one number: " + why);
  };
  if (stored.element_count() != 1) refuse("its shape is " + describe_shape(stored.shape));
  const stored_matrix matrix = matrix_of(number_, stored);
  if (stored.dtype == "F64") return number_from<double>(tool::read(files_, matrix));
  if (stored.dtype == "I64") return number_from<std::int64_t>(tool::read(files_, matrix));
  if (stored.dtype == "I32") return number_from<std::int32_t>(tool::read(files_, matrix));
  if (stored.dtype != "F32" && stored.dtype != "F16" && stored.dtype != "BF16") {
    refuse("its type is " + stored.dtype);
  }
  return number_from<float>(read_as(files_, matrix, element_type::fp32));
}

stored_adapter factor_file::read(std::string description, scale_rule usual_scale,
                                 const std::string& reason) && {
  factor_reading reading =
      read_factors(tensors_, {.number = number_,
                              .source = source_,
                              .number_in = [&](const tensor& each) { return number_in(each); },
                              .usual_scale = std::move(usual_scale)});
  if (reading.updates.empty() && reading.refused.empty()) {
    throw problem(source_ + ": no factors in it");
  }
  if (!reading.scale_is_known && reading.refused.empty()) reading.refused = reason;
  stored_adapter adapter{.path = path_,
                         .description = std::move(description),
                         .updates = std::move(reading.updates),
                         .unused = std::move(reading.unused),
                         .refused = std::move(reading.refused),
                         .facts = {},
                         .files = std::move(files_)};
  const auto metadata = read_metadata(adapter.files.at(number_));
  for (const char* const key :
       {"modelspec.title", "modelspec.architecture", "ss_network_module", "ss_network_dim",
        "ss_network_alpha", "ss_base_model_version", "ss_sd_model_name", "ss_output_name"}) {
    const auto found = metadata.find(key);
    if (found != metadata.end() && !found->second.empty()) {
      adapter.facts.emplace_back(key, found->second);
    }
  }
  return adapter;
}

}  // namespace revlora::tool
