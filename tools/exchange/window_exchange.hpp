// One part of a tensor, to the base and from there to a goal.
#pragma once

#include <cstddef>
#include <vector>

#include "exchange/factor_shelf.hpp"
#include "exchange/tensor_goal.hpp"
#include "revlora/undo_record.hpp"
#include "undo/undo_content.hpp"
#include "undo/undo_writer.hpp"

namespace revlora::tool {

/// Why the library refuses to restore weights, or the adapter that is to blame.
struct not_restored {
  std::string reason;
  std::optional<std::size_t> adapter;  ///< that is another one than was merged
};

/// Merged bytes become those of the base, which may be fewer. Nothing if all is well; else they are
/// of no use.
std::optional<not_restored> restore(std::vector<std::byte>& bytes, const file& undo,
                                    const undo_tensor& merged, const undo_window& window,
                                    factor_shelf& factors);

/// What a merge did to weights.
struct merge_counts {
  std::uint64_t weights = 0;
  std::uint64_t changed = 0;     ///< how many are other bits now
  std::uint64_t not_finite = 0;  ///< how many became infinite or NaN
  bool adds_something = false;   ///< some D is not zero everywhere, or values are replaced
  std::uint64_t record_bytes = 0;
  std::uint64_t factor_bytes = 0;
};
void add(merge_counts& sum, const merge_counts& more);

/// A part of a tensor that has become what it is to be, and what leads back.
struct reached_window {
  undo_window window;  ///< but for what depends on where the rest is kept
  undo_record record;
  std::vector<std::byte> kept;
  factors_in_use factors;
  std::uint64_t not_finite = 0;
};

/// Bytes of the base, fewer rows perhaps than the window has, become those of the goal.
reached_window reach(std::vector<std::byte>& bytes, const tensor_goal& goal,
                     const goal_window& window, factor_shelf& factors);

/// Adds what leads back to an undo file, with factors that it does not have yet if they are to be
/// `embedded`, and to what it says of the tensor; null: only counts.
void note_down(const reached_window& reached, undo_tensor& log, bool embedded, undo_writer* undo,
               merge_counts& counts);

}  // namespace revlora::tool
