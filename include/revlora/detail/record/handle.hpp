// The life of a record that a door holds by a pointer without a type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "../namespace.hpp"
#include "../plain.hpp"
#include "../refuse.hpp"
#include "contents.hpp"
#include "read.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

inline void free_record(plain::record* record) noexcept {
  delete contents_of(record);
}

/// Null if there is no memory, or nothing to copy.
inline plain::record* copy_record(const plain::record* record) {
  if (record == nullptr) return nullptr;
  record_contents* copy = nullptr;
  had_memory([&] { copy = new record_contents(*contents_of(record)); });
  return handle_of(copy);
}

/// Makes a record of bytes; a refusal, in words too, and no record if they are none.
inline std::uint8_t read_record(const std::byte* bytes, std::size_t size, plain::record*& record,
                                std::string& text) {
  validation found = no_memory();
  had_memory([&] {
    auto contents = std::make_unique<record_contents>();
    found = read_record(std::span(bytes, size), *contents);
    if (found) record = handle_of(contents.release());
    text = found.text();
  });
  return static_cast<std::uint8_t>(found.reason());
}

/// Of no record: nothing.
inline plain::record_view look_at(const plain::record* record) {
  if (record == nullptr) return {};
  const record_contents& contents = *contents_of(record);
  return {contents.bytes.data(),
          contents.bytes.size(),
          static_cast<std::uint8_t>(contents.type),
          static_cast<std::uint8_t>(contents.recipe),
          contents.rows,
          contents.cols,
          contents.fingerprints.data(),
          contents.fingerprints.size()};
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
