// What the bytes of a record say, or why they say nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "../kernel_interface.hpp"
#include "../namespace.hpp"
#include "../panels.hpp"
#include "../refuse.hpp"
#include "bits.hpp"
#include "contents.hpp"
#include "stream_checksum.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// The code of a panel in the bytes of a record.
inline kernel_interface::panel_code code_of(const panel_entry& panel,
                                            std::span<const std::byte> bytes) {
  byte_reader in(bytes.subspan(panel.offset, panel.size));
  const auto exceptions = in.take(panel.has_exceptions ? in.get_varint() : 0);
  return {in.rest().data(), in.rest().size(), exceptions.data(), exceptions.size()};
}

/// Reads the bytes of a record, or says why not; allocates no more than the bytes justify.
inline validation read_record(std::span<const std::byte> bytes, record_contents& record) {
  const auto damaged = [](const char* reason) {
    return refused(refusal::damaged, {"the undo record is damaged: ", reason});
  };
  const auto truncated = [&] {
    return refused(refusal::truncated,
                   {"the undo record is truncated: it ends after ", bytes.size(), " bytes"});
  };
  const auto beginning = bytes.first(std::min(bytes.size(), sizeof record_magic));
  if (!std::equal(beginning.begin(), beginning.end(),
                  std::as_bytes(std::span(record_magic)).begin()))
    return refused(refusal::not_a_record, {"these bytes are not an undo record"});
  byte_reader in(bytes);
  in.take(sizeof record_magic);
  const auto version = in.get<std::uint8_t>();
  if (in.failed()) return truncated();
  if (version != format_version)
    return refused(
        refusal::other_version,
        {"the undo record has format version ", version, ", this revlora reads version ",
         format_version, (version > format_version ? ": it needs a newer revlora" : "")});

  record.type = in.get<element_type>();
  record.recipe = in.get<recipe>();
  const auto rule = in.get<std::uint8_t>();
  if (in.failed()) return truncated();
  if (record.type >= element_type{element_types} || record.recipe > recipe::nan ||
      rule != accumulation_rule)
    return damaged("it names an element type, recipe or accumulation rule that does not exist");
  constexpr auto limit =
      static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) / 64;
  const std::uint64_t rows = in.get_varint(), cols = in.get_varint(), adapters = in.get_varint();
  if (in.failed() || adapters > in.rest().size() / 8) return truncated();
  if (rows > limit || cols > limit) return damaged("no weights have its shape");
  record.rows = static_cast<std::ptrdiff_t>(rows);
  record.cols = static_cast<std::ptrdiff_t>(cols);
  for (std::uint64_t i = 0; i < adapters; ++i)
    record.fingerprints.push_back(in.get<std::uint64_t>());
  if (may_be_scaled(record.type)) record.scales_fingerprint = in.get<std::uint64_t>();
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
  record.bytes.assign(bytes.begin(), bytes.end());
  return {};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
