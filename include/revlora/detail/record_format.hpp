// An undo record as bytes.
//
//   offset  bytes
//   0       3      "RVU"
//   3       1      format version, 1
//   4       1      element type of the weights: 0 fp32, 1 fp16, 2 bf16
//   5       1      recipe: 0 = fused, y = round(x + D)
//   6       1      accumulation rule, 1: E/O chains in blocks of 32
//   7       …      rows, columns, number of adapters: varints (LEB128)
//           8 n    fingerprint of each adapter
//           8      checksum of the base
//           …      for each panel: checksum of the merged panel (4), varint 2·size + has_exceptions
//           …      the panels' codes, one after the other; if there are exceptions, they come
//           first,
//                  behind a varint of their length
//           8      checksum of all bytes above
//
// All integers little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "../element.hpp"
#include "bits.hpp"
#include "block.hpp"
#include "checksum.hpp"
#include "refuse.hpp"

namespace revlora::inline v0::detail {

inline constexpr std::uint8_t format_version = 1, recipe_fused = 0, accumulation_rule = 1;
inline constexpr char record_magic[3] = {'R', 'V', 'U'};

/// Where the code of a panel is, and what the panel is after the merge.
struct panel_entry {
  static constexpr std::size_t unfinished = static_cast<std::size_t>(-1);

  std::size_t offset = 0;
  std::size_t size = unfinished;
  std::uint32_t merged_checksum = 0;
  bool has_exceptions = false;
};

struct record_access;

/// A record, as bytes and as what they say.
struct record_contents {
  element_type type = element_type::fp32;
  std::ptrdiff_t rows = 0, cols = 0;
  std::vector<std::uint64_t> fingerprints;
  std::uint64_t base_checksum = 0;
  std::vector<panel_entry> panels;
  std::vector<std::byte> bytes;  ///< empty: no record
  std::vector<std::byte>
      arena;  ///< codes in the order in which panels were finished; kept for reuse
};

inline std::uint64_t checksum_of(std::span<const std::byte> bytes) {
  stream_checksum sum;
  sum.absorb(bytes.data(), bytes.size());
  return sum.result();
}

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
/// Throws std::bad_alloc, the entries as they were.
inline void write_record(record_contents& record) {
  const std::size_t header = sizeof record_magic + 4 + 3 * varint_max +
                             8 * record.fingerprints.size() + 8 +
                             record.panels.size() * (4 + varint_max);
  record.bytes.resize(header + record.arena.size() + 8);
  byte_writer out(record.bytes.data());
  out.put(record_magic, sizeof record_magic);
  out.put(format_version);
  out.put(record.type);
  out.put(recipe_fused);
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
  record.bytes.resize(size + 8);
}

/// Reads the bytes of a record. Throws record_refused; allocates no more than the bytes justify.
inline record_contents read_record(std::span<const std::byte> bytes) {
  const auto damaged = [](const char* how) {
    refuse_record(std::string("the undo record is damaged: ") + how);
  };
  byte_reader in(bytes);
  const auto magic = in.take(sizeof record_magic);
  const auto version = in.get<std::uint8_t>();
  if (in.failed() || std::memcmp(magic.data(), record_magic, sizeof record_magic) != 0)
    refuse_record("these bytes are not an undo record");
  if (version != format_version)
    refuse_record("the undo record has format version " + std::to_string(version) +
                  ", this revlora reads version " + std::to_string(format_version));
  if (bytes.size() < 8) damaged("it is truncated");
  std::uint64_t expected;
  std::memcpy(&expected, bytes.data() + bytes.size() - 8, 8);
  if (checksum_of(bytes.first(bytes.size() - 8)) != expected)
    damaged("its checksum is wrong, it was truncated or changed");
  in = byte_reader(in.rest().first(in.rest().size() - 8));

  record_contents record;
  record.bytes.assign(bytes.begin(), bytes.end());
  record.type = in.get<element_type>();
  const auto recipe = in.get<std::uint8_t>();
  const auto rule = in.get<std::uint8_t>();
  if (in.failed() || record.type > element_type::bf16 || recipe != recipe_fused ||
      rule != accumulation_rule)
    damaged("it names an element type, recipe or accumulation rule that does not exist");

  constexpr auto limit =
      static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 64;
  const std::uint64_t rows = in.get_varint(), cols = in.get_varint(), adapters = in.get_varint();
  if (in.failed() || rows > limit || cols > limit || adapters > in.rest().size() / 8)
    damaged("its header does not fit");
  record.rows = static_cast<std::ptrdiff_t>(rows);
  record.cols = static_cast<std::ptrdiff_t>(cols);
  for (std::uint64_t i = 0; i < adapters; ++i)
    record.fingerprints.push_back(in.get<std::uint64_t>());
  record.base_checksum = in.get<std::uint64_t>();

  const auto panels = static_cast<std::uint64_t>(panels_of(record.rows, record.cols));
  if (in.failed() || panels > in.rest().size() / 5) damaged("its table of panels does not fit");
  std::uint64_t offset = 0;
  for (std::uint64_t i = 0; i < panels; ++i) {
    panel_entry panel;
    panel.merged_checksum = in.get<std::uint32_t>();
    const std::uint64_t size = in.get_varint();
    panel.size = size >> 1;
    panel.has_exceptions = (size & 1) != 0;
    panel.offset = offset;
    offset += panel.size;
    if (in.failed() || offset > bytes.size()) damaged("its table of panels does not fit");
    record.panels.push_back(panel);
  }
  if (offset != in.rest().size()) damaged("its panels do not fill it");
  for (panel_entry& panel : record.panels) panel.offset += bytes.size() - 8 - offset;
  return record;
}

}  // namespace revlora::inline v0::detail
