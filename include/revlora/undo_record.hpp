// What an exact unmerge needs to know beyond the merged weights and the adapters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "detail/namespace.hpp"
#include "detail/record/record_format.hpp"
#include "element.hpp"
#include "error.hpp"
#include "low_rank.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// The undo record of one merged matrix: for a bf16 weight 0.03 bits if the delta's standard
/// deviation is 1 % of the weights', 0.19 bits at 10 %, 1 bit at 100 %.
///
/// Filled by `merge(W, adapters, record)`, read by `unmerge(W, adapters, record)`, both by `swap`.
/// It leads back to the weights as they were before that merge and to nothing else: merging again
/// with the same record forgets the earlier state. A record that is filled again reuses its memory,
/// which is at most about twice `size_bytes()`.
///
/// Its bytes are a function of the base, the adapters with their strengths and order, and the
/// recipe: not of the machine, the threads, or what was merged before. docs/undo-record.md
/// describes them.
class undo_record {
 public:
  /// An empty one.
  undo_record() = default;

  /// Reads what `bytes()` gave, in this process or another, on this machine or another.
  /// Throws record_refused if they are truncated, damaged or of another format version. Any bytes
  /// may be given: no more is allocated than their number justifies. O(bytes).
  static undo_record from_bytes(std::span<const std::byte> bytes) {
    undo_record record;
    detail::require(detail::read_record(bytes, record.contents_));
    return record;
  }

  /// What from_bytes would refuse. As much work and memory as that.
  static validation validate(std::span<const std::byte> bytes) {
    detail::record_contents contents;
    return detail::read_record(bytes, contents);
  }

  /// Whether there is nothing to undo: no merge has filled the record.
  bool empty() const { return contents_.bytes.empty(); }

  /// The record as it would be stored, all that an unmerge needs. Valid until the record changes.
  std::span<const std::byte> bytes() const { return contents_.bytes; }

  /// A copy of `bytes()`, for keeping.
  std::vector<std::byte> to_bytes() const { return contents_.bytes; }

  /// `bytes().size()`: header, checksums and all.
  std::size_t size_bytes() const { return contents_.bytes.size(); }

  element_type type() const { return contents_.type; }         ///< of the weights
  std::ptrdiff_t rows() const { return contents_.rows; }       ///< of the weights
  std::ptrdiff_t cols() const { return contents_.cols; }       ///< of the weights
  revlora::recipe recipe() const { return contents_.recipe; }  ///< of the merge

  /// The fingerprints of the merged adapters, in order.
  std::span<const std::uint64_t> fingerprints() const { return contents_.fingerprints; }

 private:
  friend struct detail::record_access;
  detail::record_contents contents_;
};

namespace detail {
struct record_access {
  static record_contents& contents(undo_record& record) { return record.contents_; }
  static const record_contents& contents(const undo_record& record) { return record.contents_; }
};
}  // namespace detail

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
