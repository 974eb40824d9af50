// Where the undo file of what comes to be is written: to one of its own, or behind what leads back
// from what is there now.
#pragma once

#include <cstdint>

#include "checkpoint/destination.hpp"
#include "undo/undo_place.hpp"
#include "undo/undo_writer.hpp"

namespace revlora::tool {

class undo_target {
 public:
  /// A new one, at a place for it.
  undo_target(undo_place& where, destination& target) : place_(&where), target_(&target) {}
  /// One that there is already: what is merged now is in it.
  undo_target(const found_undo& found, std::uint64_t whole_bytes)
      : found_(&found), whole_bytes_(whole_bytes) {}

  /// Begins to write to it. Who may read a new one is as of `original`.
  undo_writer open(const file& original);
  /// A new one takes its place.
  void publish(bool sync);
  /// Nothing was changed that it would lead back from: it is again as before.
  void take_back(undo_writer& writer, bool sync);

 private:
  undo_place* place_ = nullptr;
  destination* target_ = nullptr;
  const found_undo* found_ = nullptr;
  std::uint64_t whole_bytes_ = 0;
};

}  // namespace revlora::tool
