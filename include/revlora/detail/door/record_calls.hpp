// What a door asks of records: compiled in revlora::dispatch, or here.
#pragma once

#include "../namespace.hpp"
#ifdef REVLORA_DISPATCH
#include <cstddef>
#include <cstdint>
#include <string>

#include "../plain.hpp"
#include "compiled.hpp"

namespace revlora::compiled {
void free_record(plain::record*) noexcept;
plain::record* copy_record(const plain::record*);
std::uint8_t read_record(const std::byte* bytes, std::size_t size, plain::record*& record,
                         std::string& text);
plain::record_view look_at(const plain::record*);
}  // namespace revlora::compiled
#else
#include "../record/handle.hpp"
#endif
