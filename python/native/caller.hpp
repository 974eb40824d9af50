// The engine of the program at work for a caller in Python, who listens.
#pragma once

#include <nanobind/nanobind.h>

#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "console/audience.hpp"

namespace revlora::python {

namespace nb = nanobind;

/// Who called. Python's lock is taken only while it is spoken to.
class caller final : public tool::audience {
 public:
  /// `progress` is None, or called with a word and two numbers of bytes.
  explicit caller(nb::object progress) : progress_(std::move(progress)) {}

  void hear(const tool::progress& work) override;
  void hear_note(const std::string& text) override;
  void hear_warning(const std::string& text) override { hear_note(text); }
  void stop_if_asked() override;

  const std::vector<std::string>& notes() const { return notes_; }
  /// What Python raised to stop the work; null if nothing.
  const std::exception_ptr& reason() const { return reason_; }

 private:
  [[noreturn]] void stop();

  nb::object progress_;
  std::mutex mutex_;
  std::vector<std::string> notes_;
  std::exception_ptr reason_;
};

/// Lets the engine do some work for a caller, without Python's lock, and gives what that gives: a
/// report as JSON. What it notes is appended to `notes`, whatever comes of the work. Throws what is
/// to be raised.
std::string work_for(const nb::object& progress, nb::list& notes,
                     const std::function<std::string()>& work);

}  // namespace revlora::python
