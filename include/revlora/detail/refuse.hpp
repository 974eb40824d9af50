// How checks end that fail.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

#include "../error.hpp"
#include "namespace.hpp"

namespace revlora::inline REVLORA_NAMESPACE::detail {

inline std::string shape_text(std::ptrdiff_t rows, std::ptrdiff_t cols) {
  return std::to_string(rows) + "×" + std::to_string(cols);
}

/// Enough digits to tell any two floats apart.
inline std::string number_text(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

[[noreturn]] inline void refuse(const std::string& what) {
  throw invalid_input("revlora: " + what);
}
[[noreturn]] inline void refuse_record(refusal reason, const std::string& what) {
  throw record_refused(reason, "revlora: " + what);
}

}  // namespace revlora::inline REVLORA_NAMESPACE::detail
