// A merge that was cut off: what is left of it.
#pragma once

#include "exchange/model_exchange.hpp"
#include "undo/found_undo.hpp"
#include "verbs/wanted_adapters.hpp"

namespace revlora::tool {

/// Throws a problem if other adapters are wanted than that merge was to merge.
void require_same_adapters(const found_undo& found, const wanted_adapters& wanted);

class unfinished_merge {
 public:
  /// Throws a problem if what is wanted is not what that merge has begun to do.
  unfinished_merge(const found_undo& found, const wanted_adapters& wanted);

  /// Without the files that are done.
  exchange_jobs jobs_left(exchange_jobs jobs, const checkpoint& model) const;
  /// What was done to the files that are done; how many weights are not finite is not known of
  /// them.
  merge_counts counts_so_far() const;
  /// Where the undo file is to go on: without the section of a file that has not taken its place.
  std::uint64_t whole_bytes() const;

 private:
  bool is_done(const undo_shard& shard) const;

  const found_undo& found_;
};

}  // namespace revlora::tool
