// The bytes of a record, made of what they are to say.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "bits.hpp"
#include "contents.hpp"
#include "stream_checksum.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// Appends to memory that is large enough.
class byte_writer {
 public:
  explicit byte_writer(std::byte* to) : to_(to) {}
  template <class Integer>
  void put(Integer value) {
    put(&value, sizeof value);
  }
  void put(const void* from, std::size_t count) {
    if (count > 0) std::memcpy(to_, from, count);
    to_ += count;
  }
  void put_varint(std::uint64_t value) { to_ = detail::put_varint(to_, value); }
  std::byte* at() const { return to_; }

 private:
  std::byte* to_;
};

/// What a record is to say of a panel.
struct coded_panel {
  kernel_interface::panel_code code;
  std::uint32_t merged_checksum;

  bool has_exceptions() const { return code.exceptions_size > 0; }
  /// Of the code, as the record has it.
  std::size_t size() const {
    const std::size_t length = has_exceptions() ? varint_size(code.exceptions_size) : 0;
    return length + code.exceptions_size + code.bits_size;
  }
  /// What the record says of it beside its checksum.
  std::uint64_t size_word() const { return size() << 1 | has_exceptions(); }
};

/// What a record is to say.
struct record_draft {
  element_type type = element_type::fp32;
  revlora::recipe recipe = revlora::recipe::fused;
  std::uint64_t rows = 0, cols = 0;
  std::span<const std::uint64_t> fingerprints;
  std::uint64_t scales_fingerprint = 0;
  std::uint64_t base_checksum = 0;
  std::span<const coded_panel> panels;
};

/// Makes a record of a draft, in place of another. Where that has room it is overwritten at once;
/// if it has not, it is as it was until all is finished.
class record_writer {
 public:
  /// Puts all but the codes. Throws std::bad_alloc, the other record as it was.
  record_writer(const record_draft& draft, record_contents& replaced)
      : draft_(draft),
        replaced_(replaced),
        size_(bytes_before_codes() + bytes_of_codes() + digest_bytes),
        made_(has_room(replaced) ? replaced : fresh_) {
    // One that was outgrown will be again.
    if (!overwrites()) made_.bytes.reserve(std::max(size_, replaced.bytes.capacity() * 5 / 4));
    made_.bytes.resize(size_);
    made_.panels.resize(draft.panels.size());
    made_.fingerprints.assign(draft.fingerprints.begin(), draft.fingerprints.end());
    made_.type = draft.type;
    made_.recipe = draft.recipe;
    made_.rows = static_cast<std::ptrdiff_t>(draft.rows);
    made_.cols = static_cast<std::ptrdiff_t>(draft.cols);
    made_.scales_fingerprint = draft.scales_fingerprint;
    made_.base_checksum = draft.base_checksum;
    put_all_before_codes();
  }
  record_writer(const record_writer&) = delete;
  record_writer& operator=(const record_writer&) = delete;

  /// Whether the other record is lost already.
  bool overwrites() const { return &made_ == &replaced_; }
  /// Of the record, in bytes.
  std::size_t size() const { return size_; }

  /// In any order, on any threads.
  void put_code(std::size_t panel) {
    const kernel_interface::panel_code& code = draft_.panels[panel].code;
    byte_writer out(made_.bytes.data() + made_.panels[panel].offset);
    if (code.exceptions_size > 0) out.put_varint(code.exceptions_size);
    out.put(code.exceptions, code.exceptions_size);
    out.put(code.bits, code.bits_size);
  }

  /// When all codes are put.
  void finish(absorb_steps* steps) noexcept {
    const auto content = std::span(made_.bytes).first(size_ - digest_bytes);
    byte_writer(content.data() + content.size()).put(checksum_of(content, steps));
    if (!overwrites()) replaced_ = std::move(made_);
  }

 private:
  std::size_t bytes_before_codes() const {
    const std::size_t checksums = draft_.fingerprints.size() + may_be_scaled(draft_.type) + 1;
    std::size_t bytes = sizeof record_magic + 4 + varint_size(draft_.rows) +
                        varint_size(draft_.cols) + varint_size(draft_.fingerprints.size()) +
                        8 * checksums;
    for (const coded_panel& panel : draft_.panels) bytes += 4 + varint_size(panel.size_word());
    return bytes;
  }
  std::size_t bytes_of_codes() const {
    std::size_t bytes = 0;
    for (const coded_panel& panel : draft_.panels) bytes += panel.size();
    return bytes;
  }
  bool has_room(const record_contents& record) const {
    return size_ <= record.bytes.capacity() && draft_.panels.size() <= record.panels.capacity() &&
           draft_.fingerprints.size() <= record.fingerprints.capacity();
  }

  void put_all_before_codes() {
    byte_writer out(made_.bytes.data());
    out.put(record_magic, sizeof record_magic);
    out.put(format_version);
    out.put(draft_.type);
    out.put(draft_.recipe);
    out.put(accumulation_rule);
    out.put_varint(draft_.rows);
    out.put_varint(draft_.cols);
    out.put_varint(draft_.fingerprints.size());
    for (const std::uint64_t fingerprint : draft_.fingerprints) out.put(fingerprint);
    if (may_be_scaled(draft_.type)) out.put(draft_.scales_fingerprint);
    out.put(draft_.base_checksum);
    std::size_t offset = bytes_before_codes();
    for (std::size_t i = 0; i < draft_.panels.size(); ++i) {
      const coded_panel& panel = draft_.panels[i];
      out.put(panel.merged_checksum);
      out.put_varint(panel.size_word());
      made_.panels[i] = {offset, panel.size(), panel.merged_checksum, panel.has_exceptions()};
      offset += panel.size();
    }
  }

  const record_draft& draft_;
  record_contents& replaced_;
  std::size_t size_;
  record_contents fresh_;
  record_contents& made_;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
