#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include "objects.hpp"

namespace revlora::python {

namespace {

nb::bytes bytes_of(held_record& held) {
  const auto in_use = held.used();
  const std::span<const std::byte> bytes = held.record.bytes();
  return nb::bytes(bytes.data(), bytes.size());
}

std::unique_ptr<held_record> record_of(const nb::bytes& bytes) {
  return std::make_unique<held_record>(
      undo_record::from_bytes({static_cast<const std::byte*>(bytes.data()), bytes.size()}));
}

/// What can be seen of a record that no other thread changes meanwhile.
template <class Look>
auto seen(Look look) {
  return [look](held_record& held) {
    const auto in_use = held.used();
    return look(held.record);
  };
}

nb::object report_of(held_record& held) {
  const auto in_use = held.used();
  if (!held.report) return nb::none();
  return as_object(*held.report);
}

std::string describe(const undo_record& record) {
  if (record.empty()) return "<revlora.Record, empty>";
  const std::size_t adapters = record.fingerprints().size();
  return "<revlora.Record of " + std::to_string(record.rows()) + "×" +
         std::to_string(record.cols()) + " " + name_of(record.type()) + " weights, " +
         std::to_string(adapters) + (adapters == 1 ? " adapter, " : " adapters, ") +
         std::to_string(record.size_bytes()) + " bytes>";
}

}  // namespace

void bind_records(nb::module_& module) {
  nb::class_<held_record>(module, "Record")
      .def(nb::init<>())
      .def_static("from_bytes", &record_of, nb::arg("data"))
      .def("to_bytes", &bytes_of)
      .def("__bytes__", &bytes_of)
      .def("__getstate__", &bytes_of)
      .def("__setstate__",
           [](held_record* at, const nb::bytes& bytes) {
             // An empty record has no bytes, and none can be made of none.
             new (at) held_record();
             if (bytes.size() > 0) at->record = std::move(record_of(bytes)->record);
           })
      .def("__eq__",
           [](held_record& held, nb::handle other) -> nb::object {
             if (!nb::isinstance<held_record>(other)) return nb::borrow(Py_NotImplemented);
             auto& compared = nb::cast<held_record&>(other);
             return nb::bool_(&held == &compared || bytes_of(held).equal(bytes_of(compared)));
           })
      .def_prop_ro("nbytes", seen([](const undo_record& record) { return record.size_bytes(); }))
      .def_prop_ro("is_empty", seen([](const undo_record& record) { return record.empty(); }))
      .def_prop_ro("shape", seen([](const undo_record& record) {
                     return nb::make_tuple(record.rows(), record.cols());
                   }))
      .def_prop_ro("dtype", seen([](const undo_record& record) { return name_of(record.type()); }))
      .def_prop_ro("recipe",
                   seen([](const undo_record& record) { return name_of(record.recipe()); }))
      .def_prop_ro("adapter_count",
                   seen([](const undo_record& record) { return record.fingerprints().size(); }))
      .def_prop_ro("report", &report_of)
      .def("__repr__", seen(&describe));
}

}  // namespace revlora::python
