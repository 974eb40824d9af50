// The module revlora._native: what revlora's Python files are made of.
#include <nanobind/stl/string.h>

#include "objects.hpp"
#include "revlora/dispatch.hpp"
#include "revlora/version.hpp"

NB_MODULE(_native, module) {
  namespace python = revlora::python;
  python::translate_errors();
  python::bind_adapters(module);
  python::bind_records(module);
  python::bind_verbs(module);
  python::bind_many(module);
  python::bind_checkpoint(module);
  python::bind_program(module);
  module.def("instruction_set",
             [] { return revlora::dispatch::name_of(revlora::dispatch::chosen()); });
  module.def("version", [] {
    return std::to_string(REVLORA_VERSION_MAJOR) + "." + std::to_string(REVLORA_VERSION_MINOR) +
           "." + std::to_string(REVLORA_VERSION_PATCH);
  });
}
