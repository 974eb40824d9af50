// `python -m revlora`: the program.
#include "commands/program.hpp"

#include <nanobind/stl/vector.h>

#include <string>

#include "objects.hpp"

namespace revlora::python {

namespace {

/// It takes the process for its own; Python's lock is not needed, as nothing of Python is called.
int run_program(const std::vector<nb::bytes>& words, const nb::bytes& demo_data) {
  std::vector<std::string> kept;
  for (const nb::bytes& each : words) kept.emplace_back(each.c_str(), each.size());
  std::vector<char*> arguments;
  for (std::string& each : kept) arguments.push_back(each.data());
  const std::filesystem::path data = std::string(demo_data.c_str(), demo_data.size());
  const nb::gil_scoped_release released;
  return tool::run_program(static_cast<int>(arguments.size()), arguments.data(), data);
}

}  // namespace

void bind_program(nb::module_& module) {
  module.def("run_program", &run_program, nb::arg("words"), nb::arg("demo_data"));
}

}  // namespace revlora::python
