// Undo records.
#include <cstddef>
#include <new>

#include "answer.hpp"
#include "arguments.hpp"
#include "handles.hpp"

namespace c = revlora::c;

namespace {

/// What a record says of itself; null says what an empty one does.
template <class Question>
auto asked(const revlora_record* record, const Question& question) {
  const revlora::undo_record none;
  return question(record != nullptr ? record->record : none);
}

/// The elements of a span, as C has them.
template <class Span>
auto elements(const Span& span, size_t* count) {
  if (count != nullptr) *count = span.size();
  return span.empty() ? nullptr : span.data();
}

}  // namespace

revlora_record* revlora_record_create(void) {
  return new (std::nothrow) revlora_record;
}
void revlora_record_destroy(revlora_record* record) {
  delete record;
}

revlora_status revlora_record_copy(const revlora_record* from, revlora_record* to,
                                   revlora_error* error) {
  return c::answer(error, [&] {
    const revlora_record& source = c::pointed_to(from, "the record to copy");
    c::pointed_to(to, "the record to copy to").record = source.record;
    return revlora::validation();
  });
}

revlora_status revlora_record_from_bytes(revlora_record* record, const void* bytes, size_t count,
                                         revlora_error* error) {
  return c::answer(error, [&] {
    revlora_record& place = c::pointed_to(record, "the record");
    const auto* const first = static_cast<const std::byte*>(bytes);
    if (count > 0) c::pointed_to(first, "the record's bytes");
    return revlora::undo_record::try_from_bytes({first, count}, place.record);
  });
}

const void* revlora_record_bytes(const revlora_record* record, size_t* count) {
  return asked(record, [&](const auto& it) { return elements(it.bytes(), count); });
}
int revlora_record_is_empty(const revlora_record* record) {
  return asked(record, [](const auto& it) { return it.empty(); }) ? 1 : 0;
}
revlora_element_type revlora_record_type(const revlora_record* record) {
  return static_cast<revlora_element_type>(asked(record, [](const auto& it) { return it.type(); }));
}
ptrdiff_t revlora_record_rows(const revlora_record* record) {
  return asked(record, [](const auto& it) { return it.rows(); });
}
ptrdiff_t revlora_record_cols(const revlora_record* record) {
  return asked(record, [](const auto& it) { return it.cols(); });
}
revlora_recipe revlora_record_recipe(const revlora_record* record) {
  return static_cast<revlora_recipe>(asked(record, [](const auto& it) { return it.recipe(); }));
}
const uint64_t* revlora_record_fingerprints(const revlora_record* record, size_t* count) {
  return asked(record, [&](const auto& it) { return elements(it.fingerprints(), count); });
}
