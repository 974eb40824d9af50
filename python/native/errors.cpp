// What the library throws and returns, as what revlora/_errors.py and revlora/_results.py have for
// it.
#include <nanobind/stl/string.h>

#include "objects.hpp"

namespace revlora::python {

namespace {

void raise_in_python(const char* exception, const std::string& text, refusal reason) {
  const nb::object type = nb::module_::import_("revlora._errors").attr(exception);
  const nb::object made =
      reason == refusal::invalid_input ? type(text) : type(text, reason_of(reason));
  PyErr_SetObject(type.ptr(), made.ptr());
}

}  // namespace

nb::object reason_of(refusal reason) {
  return nb::str(name_of(reason));
}

nb::object as_object(const merge_report& report) {
  // Looked up once, and never freed: after a merge larger than the caches each look-up is slow.
  static const auto* const type =
      new nb::object(nb::module_::import_("revlora._results").attr("Report"));
  return (*type)(report.changed, report.became_not_finite);
}

nb::object as_object(const validation& found) {
  return nb::module_::import_("revlora._results")
      .attr("Validation")(reason_of(found.reason()), found.text());
}

void translate_errors() {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const record_refused& error) {
      raise_in_python("RecordRefused", error.what(), error.reason());
    } catch (const invalid_input& error) {
      raise_in_python("InvalidInput", error.what(), refusal::invalid_input);
    }
  });
}

}  // namespace revlora::python
