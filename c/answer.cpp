#include "answer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

namespace revlora::c {

namespace {

constexpr bool is_same(revlora_status status, refusal reason) {
  return status == static_cast<revlora_status>(reason);
}
static_assert(is_same(REVLORA_OK, refusal::none));
static_assert(is_same(REVLORA_INVALID_INPUT, refusal::invalid_input));
static_assert(is_same(REVLORA_EMPTY_RECORD, refusal::empty_record));
static_assert(is_same(REVLORA_NOT_A_RECORD, refusal::not_a_record));
static_assert(is_same(REVLORA_OTHER_VERSION, refusal::other_version));
static_assert(is_same(REVLORA_TRUNCATED, refusal::truncated));
static_assert(is_same(REVLORA_DAMAGED, refusal::damaged));
static_assert(is_same(REVLORA_OTHER_TYPE, refusal::other_type));
static_assert(is_same(REVLORA_OTHER_SHAPE, refusal::other_shape));
static_assert(is_same(REVLORA_OTHER_SCALES, refusal::other_scales));
static_assert(is_same(REVLORA_OTHER_RECIPE, refusal::other_recipe));
static_assert(is_same(REVLORA_OTHER_COUNT, refusal::other_count));
static_assert(is_same(REVLORA_OTHER_ORDER, refusal::other_order));
static_assert(is_same(REVLORA_OTHER_STRENGTH, refusal::other_strength));
static_assert(is_same(REVLORA_OTHER_ADAPTER, refusal::other_adapter));
static_assert(is_same(REVLORA_WEIGHTS_CHANGED, refusal::weights_changed));
static_assert(is_same(REVLORA_ALREADY_UNMERGED, refusal::already_unmerged));
static_assert(is_same(REVLORA_EXECUTOR_FAILED, refusal::executor_failed));
static_assert(is_same(REVLORA_OUT_OF_MEMORY, refusal::out_of_memory));

/// How much of a text fits, with no character of UTF-8 cut in two.
std::size_t fitting(const char* text, std::size_t room) {
  const std::size_t length = std::strlen(text);
  if (length <= room) return length;
  const auto continues = [](char byte) { return (byte & 0xC0) == 0x80; };
  while (room > 0 && continues(text[room])) --room;
  return room;
}

}  // namespace

bool can_be_told(const revlora_error* error) noexcept {
  return error == nullptr || error->size >= sizeof(revlora_error);
}

revlora_status tell(revlora_error* error, revlora_status status, const char* text) noexcept {
  if (error != nullptr) {
    const std::size_t length = fitting(text, error->size - offsetof(revlora_error, text) - 1);
    error->status = status;
    std::memcpy(error->text, text, length);
    error->text[length] = '\0';
  }
  return status;
}

revlora_status tell(revlora_error* error, const validation& found) noexcept {
  return tell(error, static_cast<revlora_status>(found.reason()), found.text().c_str());
}

revlora_status tell_what_was_thrown(revlora_error* error) noexcept {
  try {
    throw;
  } catch (const impossible_instruction_set& thrown) {
    return tell(error, REVLORA_IMPOSSIBLE_INSTRUCTION_SET, thrown.what());
  } catch (const invalid_input& thrown) {
    return tell(error, REVLORA_INVALID_INPUT, thrown.what());
  } catch (const executor_failed& thrown) {
    return tell(error, REVLORA_EXECUTOR_FAILED, thrown.what());
  } catch (...) {  // std::bad_alloc: what executors throw is caught where they are called
    return tell(error, REVLORA_OUT_OF_MEMORY, "revlora: no memory left");
  }
}

}  // namespace revlora::c
