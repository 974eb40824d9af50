// What crosses the border of a call: plain data, laid out alike in every file of a program.
//
// Public types are other types in files with other flags (namespace.hpp). What they hold is this,
// and from the border on there is nothing else. No struct here has code, which a linker could take
// from the wrong side; numbers of enumerations are those of the public ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace revlora::plain {

/// Extents and strides are in elements.
struct matrix {
  void* data;         ///< of a matrix that is only read, nobody writes through it
  std::uint8_t type;  ///< an element_type
  std::ptrdiff_t rows, cols, row_stride, col_stride;
};

/// Weights, and what their stored numbers are multiplied by to be what they mean.
struct weights {
  matrix elements;
  matrix scales;                          ///< without rows: they are what is stored
  std::ptrdiff_t scale_rows, scale_cols;  ///< weights that share a scale
};

/// The factors of a family lie in the order in which its own file names them.
struct adapter {
  std::uint8_t family;
  std::uint8_t factor_count;
  float strength;
  matrix factors[4];
};

struct adapter_list {
  const adapter* adapters;
  std::size_t count;
  std::uint8_t recipe;
};

/// `body(context, i)` is to be called for 0 ≤ i < count, each once.
struct executor {
  using body = void(const void* context, std::ptrdiff_t i);

  const void* object;
  void (*parallel_for)(const void* object, std::ptrdiff_t count, const void* context, body*);
  /// Threads of OpenMP's that it wakes, which costs more than a little work; 0: it is another one.
  std::ptrdiff_t team;
};

/// An undo record, whose insides only the floors below know. None: null.
struct record;

/// What can be seen of one.
struct record_view {
  const std::byte* bytes;
  std::size_t size;
  std::uint8_t type, recipe;
  std::ptrdiff_t rows, cols;
  const std::uint64_t* fingerprints;
  std::size_t fingerprint_count;
};

/// Memory that is kept from call to call, likewise.
struct workspace;

}  // namespace revlora::plain
