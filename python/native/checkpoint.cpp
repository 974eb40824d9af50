// Models on disk, which the engine of the program works on.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "caller.hpp"
#include "info/info.hpp"
#include "objects.hpp"
#include "reports/merge_report.hpp"
#include "reports/unmerge_report.hpp"
#include "reports/verify_report.hpp"
#include "threads.hpp"
#include "verbs/requests.hpp"

namespace revlora::python {

namespace {

using encoded_path = nb::bytes;
using encoded_adapters = std::vector<std::pair<nb::bytes, double>>;

std::filesystem::path decoded(const encoded_path& path) {
  return std::string(path.c_str(), path.size());
}

std::optional<std::filesystem::path> decoded(const std::optional<encoded_path>& path) {
  if (!path) return {};
  return decoded(*path);
}

std::vector<std::filesystem::path> decoded(const std::vector<encoded_path>& paths) {
  std::vector<std::filesystem::path> all;
  for (const encoded_path& each : paths) all.push_back(decoded(each));
  return all;
}

std::vector<tool::adapter_request> decoded(const encoded_adapters& adapters) {
  std::vector<tool::adapter_request> all;
  for (const auto& [path, strength] : adapters) all.push_back({decoded(path), strength});
  return all;
}

tool::recipe_choice recipe_choice_called(const std::string& name) {
  if (name == "fused") return tool::recipe_choice::fused;
  if (name == "rounded_delta") return tool::recipe_choice::rounded_delta;
  if (name == "peft") return tool::recipe_choice::peft;
  throw invalid_input("revlora: recipe is '" + name + "': give 'fused', 'rounded_delta' or 'peft'");
}

std::string merge_checkpoint(const encoded_path& model, const encoded_adapters& adapters,
                             const std::optional<encoded_path>& out,
                             const std::optional<encoded_path>& undo, bool overwrite_undo,
                             const tool::merge_options& how, const tool::common_options& common,
                             const nb::object& progress, nb::list& notes) {
  const tool::merge_request asked{.model = decoded(model),
                                  .adapters = decoded(adapters),
                                  .how = how,
                                  .common = common,
                                  .out = decoded(out),
                                  .undo = decoded(undo),
                                  .overwrite_undo = overwrite_undo};
  return work_for(progress, notes,
                  [&] { return json_text(tool::merge_report(asked, tool::merge_model(asked))); });
}

std::string unmerge_checkpoint(const encoded_path& model, const std::optional<encoded_path>& undo,
                               const std::vector<encoded_path>& adapters, bool dry_run,
                               const tool::common_options& common, const nb::object& progress,
                               nb::list& notes) {
  const tool::unmerge_request asked{.model = decoded(model),
                                    .undo = decoded(undo),
                                    .adapters = decoded(adapters),
                                    .common = common,
                                    .dry_run = dry_run};
  return work_for(progress, notes, [&] {
    return json_text(tool::unmerge_report(asked, tool::unmerge_model(asked)));
  });
}

std::string swap_checkpoint(const encoded_path& model, const encoded_adapters& to,
                            const std::optional<encoded_path>& undo,
                            const std::vector<encoded_path>& adapters,
                            const tool::merge_options& how, const tool::common_options& common,
                            const nb::object& progress, nb::list& notes) {
  const tool::swap_request asked{.model = decoded(model),
                                 .to = decoded(to),
                                 .how = how,
                                 .common = common,
                                 .undo = decoded(undo),
                                 .adapters = decoded(adapters)};
  return work_for(progress, notes,
                  [&] { return json_text(tool::merge_report(asked, tool::swap_model(asked))); });
}

std::string verify_checkpoint(const encoded_path& model, const std::optional<encoded_path>& undo,
                              const tool::common_options& common, const nb::object& progress,
                              nb::list& notes) {
  const tool::verify_request asked{
      .model = decoded(model), .undo = decoded(undo), .common = common};
  return work_for(progress, notes,
                  [&] { return json_text(tool::verify_report(tool::verify_model(asked))); });
}

std::string describe_path(const encoded_path& path, const std::optional<std::string>& weights,
                          const nb::object& progress, nb::list& notes) {
  const tool::info_request asked{.path = decoded(path), .weights = weights};
  return work_for(progress, notes, [&] { return json_text(*tool::describe(asked)); });
}

}  // namespace

void bind_checkpoint(nb::module_& module) {
  using nb::arg;
  nb::class_<tool::merge_options>(module, "MergeOptions")
      .def(
          "__init__",
          [](tool::merge_options* made, const std::string& recipe,
             std::optional<bool> fan_in_fan_out, bool allow_unused, bool embed, bool dry_run) {
            new (made) tool::merge_options{recipe_choice_called(recipe), fan_in_fan_out,
                                           allow_unused, embed, dry_run};
          },
          arg("recipe"), arg("fan_in_fan_out").none(), arg("allow_unused"), arg("embed"),
          arg("dry_run"));
  nb::class_<tool::common_options>(module, "CommonOptions")
      .def(
          "__init__",
          [](tool::common_options* made, bool force, bool sync, int threads,
             std::optional<std::string> weights) {
            require_thread_count(threads);
            new (made) tool::common_options{force, sync, threads, std::move(weights)};
          },
          arg("force"), arg("sync"), arg("threads"), arg("weights").none());
  module.def("merge_checkpoint", &merge_checkpoint, arg("model"), arg("adapters"),
             arg("out").none(), arg("undo").none(), arg("overwrite_undo"), arg("how"),
             arg("common"), arg("progress").none(), arg("notes"));
  module.def("unmerge_checkpoint", &unmerge_checkpoint, arg("model"), arg("undo").none(),
             arg("adapters"), arg("dry_run"), arg("common"), arg("progress").none(), arg("notes"));
  module.def("swap_checkpoint", &swap_checkpoint, arg("model"), arg("to"), arg("undo").none(),
             arg("adapters"), arg("how"), arg("common"), arg("progress").none(), arg("notes"));
  module.def("verify_checkpoint", &verify_checkpoint, arg("model"), arg("undo").none(),
             arg("common"), arg("progress").none(), arg("notes"));
  module.def("describe_path", &describe_path, arg("path"), arg("weights").none(),
             arg("progress").none(), arg("notes"));
}

}  // namespace revlora::python
