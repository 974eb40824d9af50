/// \file
/// What an exact unmerge needs to know beyond the merged weights and the adapters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapter.hpp"
#include "detail/door/record_calls.hpp"
#include "detail/namespace.hpp"
#include "detail/refuse.hpp"
#include "element.hpp"
#include "error.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// The undo record of one merged matrix: for a bf16 weight 0.03 bits if the delta's standard
/// deviation is 1 % of the weights', 0.19 bits at 10 %, 1 bit at 100 %.
///
/// Filled by `merge(W, adapters, record)`, read by `unmerge(W, adapters, record)`, both by `swap`.
/// It leads back to the weights as they were before that merge and to nothing else: merging again
/// with the same record forgets the earlier state. It takes `size_bytes()`, and 24 bytes
/// for each 16 rows; filled again, it reuses its memory, and keeps what it needs no more.
///
/// Its bytes are a function of the base, the adapters with their strengths and order, and the
/// recipe: not of the machine, the threads, or what was merged before. docs/undo-record.md
/// describes them.
class undo_record {
 public:
  /// An empty one.
  undo_record() = default;
  /// Another with the same bytes. Throws std::bad_alloc.
  undo_record(const undo_record& other) : held_(detail::copy_record(other.held_)) {
    detail::require_memory(held_ != nullptr || other.held_ == nullptr);
  }
  /// Takes them from one that is empty afterwards.
  undo_record(undo_record&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  /// Either of them.
  undo_record& operator=(undo_record other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~undo_record() { detail::free_record(held_); }

  /// Reads what `bytes()` gave, in this process or another, on this machine or another.
  /// Throws record_refused if they are truncated, damaged or of another format version. Any bytes
  /// may be given: no more is allocated than their number justifies. O(bytes).
  static undo_record from_bytes(std::span<const std::byte> bytes) {
    undo_record record;
    detail::require(try_from_bytes(bytes, record));
    return record;
  }
  /// The same, with a code and a text for what from_bytes throws; then `record` is as it was.
  static validation try_from_bytes(std::span<const std::byte> bytes, undo_record& record) {
    undo_record made;
    std::string text;
    const auto reason =
        static_cast<refusal>(detail::read_record(bytes.data(), bytes.size(), made.held_, text));
    if (reason != refusal::none) return {reason, std::move(text)};
    record = std::move(made);
    return {};
  }

  /// What from_bytes would refuse. As much work and memory as that.
  static validation validate(std::span<const std::byte> bytes) {
    undo_record record;
    return try_from_bytes(bytes, record);
  }

  /// Whether there is nothing to undo: no merge has filled the record.
  bool empty() const { return look().size == 0; }

  /// The record as it would be stored, all that an unmerge needs. Valid until the record changes.
  std::span<const std::byte> bytes() const { return {look().bytes, look().size}; }

  /// A copy of `bytes()`, for keeping.
  std::vector<std::byte> to_bytes() const { return {bytes().begin(), bytes().end()}; }

  /// `bytes().size()`: header, checksums and all.
  std::size_t size_bytes() const { return look().size; }

  element_type type() const { return static_cast<element_type>(look().type); }  ///< of the weights
  std::ptrdiff_t rows() const { return look().rows; }                           ///< of the weights
  std::ptrdiff_t cols() const { return look().cols; }                           ///< of the weights
  revlora::recipe recipe() const {                                              ///< of the merge
    return static_cast<revlora::recipe>(look().recipe);
  }

  /// The fingerprints of the merged adapters, in order.
  std::span<const std::uint64_t> fingerprints() const {
    return {look().fingerprints, look().fingerprint_count};
  }

  /// As it crosses the border of a call: for the doors.
  plain::record*& to_plain() { return held_; }
  /// Likewise.
  const plain::record* to_plain() const { return held_; }

 private:
  plain::record_view look() const { return detail::look_at(held_); }

  plain::record* held_ = nullptr;
};

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
