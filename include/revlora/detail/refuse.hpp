// How checks end that fail.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "../error.hpp"
#include "namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline std::string shape_text(std::ptrdiff_t rows, std::ptrdiff_t cols) {
  return std::to_string(rows) + "×" + std::to_string(cols);
}

/// Enough digits to tell any two floats apart.
inline std::string number_text(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

inline validation refused(const std::string& what) {
  return {refusal::invalid_input, "revlora: " + what};
}
inline validation refused_record(refusal reason, const std::string& what) {
  return {reason, "revlora: " + what};
}

inline validation no_memory() {
  return {refusal::out_of_memory, "no memory left"};  // short enough to need none itself
}

/// Throws what a check found. Without exceptions: prints it and aborts.
inline void require(const validation& found) {
  if (found) return;
#ifdef __cpp_exceptions
  if (found.reason() == refusal::invalid_input) throw invalid_input(found.text());
  if (found.reason() == refusal::executor_failed) throw executor_failed(found.text());
  if (found.reason() == refusal::out_of_memory) throw std::bad_alloc();
  throw record_refused(found.reason(), found.text());
#else
  std::fprintf(stderr, "%s\n", found.text().c_str());
  std::abort();
#endif
}

/// Whether there was memory for what `work` does. Without exceptions: if not, the program ends.
template <class Work>
bool had_memory(const Work& work) {
#ifdef __cpp_exceptions
  try {
    work();
  } catch (const std::bad_alloc&) {
    return false;
  }
#else
  work();
#endif
  return true;
}
inline void require_memory([[maybe_unused]] bool had_it) {
#ifdef __cpp_exceptions
  if (!had_it) throw std::bad_alloc();
#endif
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
