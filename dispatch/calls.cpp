// The algorithms above the kernels, compiled once for every processor: what files ask for that are
// compiled with REVLORA_DISPATCH.
#define REVLORA_COMPILED_FOR dispatched
#include <cstddef>
#include <cstdint>
#include <string>

#include "revlora/detail/border/perform.hpp"
#include "revlora/detail/record/handle.hpp"
#include "revlora/detail/schedule/call_memory.hpp"

#if defined(__SSE3__)
#error "flags of the build keep calls.cpp from running everywhere: give -march=…, not -m…"
#endif

namespace revlora::compiled {

void free_record(plain::record* record) noexcept {
  detail::free_record(record);
}
plain::record* copy_record(const plain::record* record) {
  return detail::copy_record(record);
}
std::uint8_t read_record(const std::byte* bytes, std::size_t size, plain::record*& record,
                         std::string& text) {
  return detail::read_record(bytes, size, record, text);
}
plain::record_view look_at(const plain::record* record) {
  return detail::look_at(record);
}
std::uint8_t perform(const plain::call& call, plain::answer& answer, std::string& text) {
  return detail::perform(call, answer, text);
}
void free_workspace(plain::workspace* kept) noexcept {
  detail::free_workspace(kept);
}
std::uint64_t fingerprint_of(const plain::adapter& adapter, kernel_interface::absorb_steps* steps) {
  return detail::fingerprint_of(adapter, steps);
}

}  // namespace revlora::compiled
