// Ctrl-C, while Python's signal handlers wait for a call to return.
#pragma once

#include <nanobind/nanobind.h>

namespace revlora::python {

/// Lets Python handle signals that have come, and throws what its handlers raise. To be called
/// where all can still be led back: an exception that is raised once a call has returned, but
/// before its caller has the record, would leave merged weights that nothing leads back.
inline void stop_if_interrupted() {
  if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
}

}  // namespace revlora::python
