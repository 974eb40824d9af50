// An undo record as bytes. docs/undo-record.md says what they mean, to the last bit:
//
//   offset  bytes
//   0       3      "RVU"
//   3       1      format version, 3
//   4       1      element type of the weights
//   5       1      recipe
//   6       1      accumulation rule, 1: E/O chains in blocks of 32
//   7       …      rows, columns, number of adapters: varints (LEB128)
//           8 n    fingerprint of each adapter
//           8      checksum of the base
//           …      for each panel: checksum of the merged panel (4), varint 2·size + has_exceptions
//           …      the panels' codes, one after the other; where there are exceptions, they come
//                  first, behind a varint of their length
//           8      digest: checksum of all bytes above
//
// All integers little-endian.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../../element.hpp"
#include "../../low_rank.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "../refuse.hpp"
#include "bits.hpp"
#include "stream_checksum.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline constexpr std::uint8_t format_version = 3, accumulation_rule = 1;
inline constexpr std::size_t digest_bytes = 8;
inline constexpr char record_magic[3] = {'R', 'V', 'U'};

/// Where the code of a panel is, and what the panel is after the merge.
struct panel_entry {
  std::size_t offset = 0;
  std::size_t size = 0;
  std::uint32_t merged_checksum = 0;
  bool has_exceptions = false;
};

struct record_access;

/// A record, as bytes and as what they say.
struct record_contents {
  element_type type = element_type::fp32;
  revlora::recipe recipe = revlora::recipe::fused;
  std::ptrdiff_t rows = 0, cols = 0;
  std::vector<std::uint64_t> fingerprints;
  std::uint64_t base_checksum = 0;
  std::vector<panel_entry> panels;
  std::vector<std::byte> bytes;  ///< empty: no record
  /// Codes in the order in which panels were finished; kept for reuse.
  std::vector<std::byte> arena;
};

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

/// Makes the bytes of a record whose panels lie in the arena, and lets the entries point into them.
/// The memory is that of the bytes of the record that it replaces, which are forgotten. Throws
/// std::bad_alloc, both records as they were.
inline void write_record(record_contents& record, record_contents& replaced) {
  const std::size_t header = sizeof record_magic + 4 + 3 * varint_max +
                             8 * record.fingerprints.size() + 8 +
                             record.panels.size() * (4 + varint_max);
  const std::size_t most = header + record.arena.size() + digest_bytes;
  replaced.bytes.reserve(most);  // leaves them as they are, even if it throws
  record.bytes = std::move(replaced.bytes);
  record.bytes.resize(most);
  byte_writer out(record.bytes.data());
  out.put(record_magic, sizeof record_magic);
  out.put(format_version);
  out.put(record.type);
  out.put(record.recipe);
  out.put(accumulation_rule);
  out.put_varint(static_cast<std::uint64_t>(record.rows));
  out.put_varint(static_cast<std::uint64_t>(record.cols));
  out.put_varint(record.fingerprints.size());
  for (const std::uint64_t fingerprint : record.fingerprints) out.put(fingerprint);
  out.put(record.base_checksum);
  for (const panel_entry& panel : record.panels) {
    out.put(panel.merged_checksum);
    out.put_varint(panel.size << 1 | panel.has_exceptions);
  }
  for (panel_entry& panel : record.panels) {
    const std::byte* const codes = record.arena.data() + panel.offset;
    panel.offset = static_cast<std::size_t>(out.at() - record.bytes.data());
    out.put(codes, panel.size);
  }
  const auto size = static_cast<std::size_t>(out.at() - record.bytes.data());
  out.put(checksum_of({record.bytes.data(), size}));
  record.bytes.resize(size + digest_bytes);
}

/// Reads the bytes of a record, or says why not; allocates no more than the bytes justify.
inline validation read_record(std::span<const std::byte> bytes, record_contents& record) {
  const auto damaged = [](const char* how) {
    return refused_record(refusal::damaged, std::string("the undo record is damaged: ") + how);
  };
  const auto truncated = [&] {
    return refused_record(refusal::truncated, "the undo record is truncated: it ends after " +
                                                  std::to_string(bytes.size()) + " bytes");
  };
  const auto beginning = bytes.first(std::min(bytes.size(), sizeof record_magic));
  if (!std::equal(beginning.begin(), beginning.end(),
                  std::as_bytes(std::span(record_magic)).begin()))
    return refused_record(refusal::not_a_record, "these bytes are not an undo record");
  byte_reader in(bytes);
  in.take(sizeof record_magic);
  const auto version = in.get<std::uint8_t>();
  if (in.failed()) return truncated();
  if (version != format_version)
    return refused_record(refusal::other_version,
                          "the undo record has format version " + std::to_string(version) +
                              ", this revlora reads version " + std::to_string(format_version) +
                              (version > format_version ? ": it needs a newer revlora" : ""));

  record.type = in.get<element_type>();
  record.recipe = in.get<recipe>();
  const auto rule = in.get<std::uint8_t>();
  constexpr auto limit =
      static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 64;
  const std::uint64_t rows = in.get_varint(), cols = in.get_varint(), adapters = in.get_varint();
  if (in.failed() || adapters > in.rest().size() / 8) return truncated();
  if (rows > limit || cols > limit) return damaged("no weights have its shape");
  record.rows = static_cast<std::ptrdiff_t>(rows);
  record.cols = static_cast<std::ptrdiff_t>(cols);
  for (std::uint64_t i = 0; i < adapters; ++i)
    record.fingerprints.push_back(in.get<std::uint64_t>());
  record.base_checksum = in.get<std::uint64_t>();

  const auto panels = static_cast<std::uint64_t>(panels_of(record.rows, record.cols));
  if (in.failed() || panels > in.rest().size() / 5) return truncated();
  record.panels.reserve(panels);
  std::uint64_t size_of_codes = 0;
  for (std::uint64_t i = 0; i < panels; ++i) {
    const auto merged_checksum = in.get<std::uint32_t>();
    const std::uint64_t size = in.get_varint();
    record.panels.push_back({size_of_codes, size >> 1, merged_checksum, (size & 1) != 0});
    size_of_codes += size >> 1;
    if (in.failed() || size_of_codes > in.rest().size()) return truncated();
  }
  if (size_of_codes + digest_bytes > in.rest().size()) return truncated();
  if (size_of_codes + digest_bytes < in.rest().size())
    return damaged("more bytes follow where it ends");
  const std::size_t first_code = bytes.size() - in.rest().size();
  for (panel_entry& panel : record.panels) panel.offset += first_code;

  in.take(size_of_codes);
  if (checksum_of(bytes.first(first_code + size_of_codes)) != in.get<std::uint64_t>())
    return damaged("its digest does not fit, some bytes were changed");
  if (record.type > element_type::bf16 || record.recipe > recipe::rounded_delta ||
      rule != accumulation_rule)
    return damaged("it names an element type, recipe or accumulation rule that does not exist");
  record.bytes.assign(bytes.begin(), bytes.end());
  return {};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
