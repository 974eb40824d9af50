// How checks end that fail.
#pragma once

#include <cstddef>
#include <string>

#include "../error.hpp"

namespace revlora::inline v0::detail {

inline std::string shape_text(std::ptrdiff_t rows, std::ptrdiff_t cols) {
  return std::to_string(rows) + "×" + std::to_string(cols);
}

[[noreturn]] inline void refuse(const std::string& what) {
  throw invalid_input("revlora: " + what);
}
[[noreturn]] inline void refuse_record(const std::string& what) {
  throw record_refused("revlora: " + what);
}

}  // namespace revlora::inline v0::detail
