#include "caller.hpp"

#include <nanobind/stl/string.h>

#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/progress.hpp"
#include "interruption.hpp"

namespace revlora::python {

namespace {

/// `because` is what Python raised before; null if nothing.
[[noreturn]] void raise(const char* exception, const std::string& reason,
                        const std::exception_ptr& because) {
  const std::string text = "revlora: " + reason;
  const nb::object type = nb::module_::import_("revlora._errors").attr(exception);
  try {
    if (because) std::rethrow_exception(because);
  } catch (nb::python_error& error) {
    nb::raise_from(error, type, "%s", text.c_str());
  }
  PyErr_SetString(type.ptr(), text.c_str());
  throw nb::python_error();
}

}  // namespace

void caller::hear(const tool::progress& work) {
  if (progress_.is_none()) return;
  const nb::gil_scoped_acquire locked;
  try {
    progress_(work.doing(), work.done(), work.total());
  } catch (nb::python_error& error) {
    if (!must_go_on()) stop();
    error.discard_as_unraisable(progress_);
  }
}

void caller::hear_note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  notes_.push_back(text);
}

void caller::stop_if_asked() {
  if (reason_) throw tool::interrupted();
  const nb::gil_scoped_acquire locked;
  try {
    stop_if_interrupted();
  } catch (nb::python_error&) {
    stop();
  }
}

void caller::stop() {
  reason_ = std::current_exception();
  throw tool::interrupted();
}

std::string work_for(const nb::object& progress, nb::list& notes,
                     const std::function<std::string()>& work) {
  caller listener(progress);
  std::string json;
  std::exception_ptr failure;
  try {
    const nb::gil_scoped_release released;
    const tool::listening meanwhile(listener);
    json = work();
  } catch (...) {
    failure = std::current_exception();
  }
  for (const std::string& each : listener.notes()) notes.append(nb::str(each.c_str(), each.size()));
  try {
    if (failure) std::rethrow_exception(failure);
    if (listener.reason()) std::rethrow_exception(listener.reason());
  } catch (const tool::interrupted&) {
    std::rethrow_exception(listener.reason());
  } catch (const tool::partly_done& error) {
    raise("PartlyDone", error.what(), listener.reason());
  } catch (const nb::python_error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    raise("CheckpointError", error.what(), listener.reason());
  }
  return json;
}

}  // namespace revlora::python
