// What the verbs ask of an instruction set: a table of kernels that work on one panel of 16 rows.
//
// Everything above (checks, executors, records, roll-back) is written once and does no arithmetic
// on weights; everything below is compiled for one instruction set. Between the two there is plain
// data only, no function that a linker could take from the wrong side: see namespace.hpp.
//
// Kernels run in IEEE mode (ieee_mode.hpp), allocate nothing and throw nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace revlora::kernel_interface {

/// The units, by how they sum products. Each gives the contract's bits, where it may be used;
/// `fused` may be used always.
enum class arithmetic : std::uint8_t {
  fused,           ///< a fused multiply-add for each product
  exact_products,  ///< 16-bit factors, whose products fp32 holds: multiply, then add
  bf16_pairs,      ///< VDPBF16PS: two products of bf16 an instruction
  bf16_tiles,      ///< AMX, TDPBF16PS: 8192 products of bf16 an instruction
};

/// A factor as it lies in memory; `type` is an element_type.
struct factor {
  const void* data;
  std::uint8_t type;
  std::ptrdiff_t rows, cols, row_stride, col_stride;
};

/// The extremes of what is not zero, as the magnitude bits of fp32.
struct magnitudes {
  std::uint32_t smallest, largest;
};

/// B·A, in the order in which a unit reads it, in 32-bit steps.
struct packed_product {
  const float* up;       ///< B, by panel: 16 × depth
  const float* down;     ///< A, by column of blocks: depth × 64
  std::ptrdiff_t depth;  ///< steps: an element each, or two of bf16
  arithmetic unit;
};

/// What an adapter's term is made of.
enum class family : std::uint8_t {
  low_rank,  ///< a product
  hadamard,  ///< two products, multiplied element by element
};

struct packed_adapter {
  family kind;
  float strength;
  packed_product products[2];  ///< as many as the family has
};

/// What a list of adapters adds to the weights.
struct delta {
  const packed_adapter* adapters;  ///< at least one
  std::size_t count;
  bool rounds;  ///< by the recipe rounded_delta
};

/// The scales of weights that are stored divided by them.
struct scale_grid {
  const float* values;  ///< row-major; null if there are none
  std::ptrdiff_t per_row;
  std::ptrdiff_t rows, cols;  ///< of the weights that share one; cols: a multiple of 64, or all
};

/// Weights, where they are read and where they are written to: the same, another matrix, or null.
struct weights {
  const void* from;
  std::ptrdiff_t from_stride;
  void* to;
  std::ptrdiff_t to_stride;
  std::ptrdiff_t rows, cols;
  scale_grid scales;
};

/// Columns of blocks of a panel.
struct block_range {
  std::ptrdiff_t first, end;
};

/// The code of a panel.
struct panel_code {
  const std::byte* bits;  ///< of the weights that carry some
  std::size_t bits_size;
  const std::byte* exceptions;  ///< weights that the decoder would get wrong
  std::size_t exceptions_size;
};

struct panel_checksums {
  std::uint32_t of_panel;   ///< kept in the record for each merged panel
  std::uint64_t of_matrix;  ///< added to the matrix's checksum
};

struct change_counts {
  std::int64_t changed;            ///< weights whose bits are others
  std::int64_t became_not_finite;  ///< that were finite in the base and are not any more
};

/// One panel on its way from a list of adapters to another, by way of the base.
struct panel_task {
  weights w;
  std::ptrdiff_t panel;
  const delta* merged;     ///< what was added to the weights; null if nothing
  panel_code merged_code;  ///< what leads back from there
  const delta* wanted;     ///< what is to be added; null if nothing
  std::byte* bits;         ///< memory for the new code; null if none is wanted
  std::byte* exceptions;

  std::ptrdiff_t arrived;  ///< blocks at the goal; fewer than all if merged_code is damaged
  panel_code wanted_code;  ///< of the blocks that arrived
  panel_checksums base, goal;
  change_counts counts;  ///< changed: against the weights as they were read
};

/// The kernels for weights of one map.
struct weight_kernels {
  /// to ← round(from ± D) in some blocks of a panel.
  change_counts (*combine)(const weights&, const delta&, bool subtracts, std::ptrdiff_t panel,
                           block_range);
  void (*exchange)(panel_task&);
  /// Leads the first `count` blocks, which are at the goal, back to where they were.
  void (*take_back)(const panel_task&, std::ptrdiff_t count);
  panel_checksums (*checksums)(const weights&, std::ptrdiff_t panel);
  bool splits_columns;  ///< whether D's columns are ordered even first, odd after
};

/// A unit; null pointers where the table has it not.
struct unit_kernels {
  std::ptrdiff_t (*steps_of)(std::ptrdiff_t rank);
  /// Whether it gives the contract's bits for factors B and A of these magnitudes.
  bool (*is_exact)(magnitudes b, magnitudes a);
  /// Packs rows 16·panel … of B.
  magnitudes (*pack_up)(const factor&, std::ptrdiff_t panel, float* to);
  /// Packs columns 64·block … of A, in the order of D's columns.
  magnitudes (*pack_down)(const factor&, bool splits_columns, std::ptrdiff_t block, float* to);
};

/// How y comes from x and D: by the weights' type, and by what becomes of overflow where it has no
/// infinity.
enum class weight_map : std::uint8_t {
  fp32,
  fp16,
  bf16,
  e4m3,  ///< to the largest number
  e5m2,
  e4m3_to_nan,  ///< to NaN
};
inline constexpr int weight_maps = 6;

/// Advances the 32 lanes of a checksum by chunks of 128 bytes, `before` of which it has absorbed.
using absorb_steps = void(std::uint32_t* lanes, const std::byte* from, std::size_t chunks,
                          std::size_t before);

struct kernel_table {
  unit_kernels units[4];           ///< by arithmetic
  weight_kernels of[weight_maps];  ///< by weight_map; null pointers where it has none
  absorb_steps* absorb;
};

}  // namespace revlora::kernel_interface
