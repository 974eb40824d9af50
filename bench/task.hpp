// What one benchmark does, and the name that says so.
#pragma once

#include <cstddef>
#include <optional>
#include <revlora/element.hpp>
#include <sstream>
#include <string>

namespace bench {

struct shape {
  std::ptrdiff_t rows = 0, cols = 0;
  std::ptrdiff_t stride = cols;  ///< elements from a row to the next
};

/// Parts that a verb does not heed are empty, and no part of the name.
struct task {
  std::string verb;  ///< "merge"; "merge@avx512bf16" where the instruction set is forced
  std::optional<revlora::element_type> weights = {}, factors = {};
  shape size = {};
  std::ptrdiff_t rank = 0;
  double percent = 0;  ///< std(D)/std(W); adapters have 1 % where it is not named
  int threads = 0;
};

inline std::string name_of(shape s) {
  std::string name = std::to_string(s.rows) + "x" + std::to_string(s.cols);
  if (s.stride != s.cols) name += "@" + std::to_string(s.stride);
  return name;
}

/// merge_exact/bf16/bf16/4096x4096/r16/d1/t2, in this order.
inline std::string name_of(const task& t) {
  std::ostringstream name;
  name << t.verb;
  for (const auto type : {t.weights, t.factors})
    if (type) name << '/' << revlora::name_of(*type);
  if (t.size.rows > 0) name << '/' << name_of(t.size);
  if (t.rank > 0) name << "/r" << t.rank;
  if (t.percent > 0) name << "/d" << t.percent;
  if (t.threads > 0) name << "/t" << t.threads;
  return name.str();
}

}  // namespace bench
