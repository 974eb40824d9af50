// What C cannot do to librevlora and C++ can: executors that throw, and memory that ends.
#include <revlora/revlora.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"

namespace {

int allocations_left =
    -1;  // of this program and of the library, which calls its operators; < 0: any

void* allocated(std::size_t size) {
  if (allocations_left == 0) throw std::bad_alloc();
  if (allocations_left > 0) --allocations_left;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

constexpr std::ptrdiff_t rows = 40, cols = 70;

struct scene {
  std::vector<float> weights = std::vector<float>(rows * cols, 0.3F);
  std::vector<float> b = std::vector<float>(rows, 0.1F), a = std::vector<float>(cols, 0.7F);
  revlora_matrix w = revlora_row_major(weights.data(), REVLORA_FP32, rows, cols);
  revlora_adapters* list = revlora_adapters_create();
  revlora_record* record = revlora_record_create();
  revlora_options options = REVLORA_OPTIONS_INITIALIZER;
  revlora_error error = REVLORA_ERROR_INITIALIZER;

  scene() {
    const revlora_matrix up = revlora_row_major_const(b.data(), REVLORA_FP32, rows, 1);
    const revlora_matrix down = revlora_row_major_const(a.data(), REVLORA_FP32, 1, cols);
    CHECK_DONE(revlora_adapters_add_low_rank(list, &up, &down, 1, &error));
  }
  ~scene() {
    revlora_record_destroy(record);
    revlora_adapters_destroy(list);
  }
  revlora_status merge() {
    return revlora_merge(&w, nullptr, list, record, &options, nullptr, &error);
  }
  void check_untouched() const {
    for (const float each : weights) CHECK(each == 0.3F);
    CHECK(revlora_record_is_empty(record));
  }
};

// One byte, then characters of two: cut after any number of bytes that is not odd, one is in two.
std::string long_text() {
  std::string text = "x";
  for (int i = 0; i < 1000; ++i) text += "×";
  return text;
}

void throws_an_exception(void*, std::ptrdiff_t, revlora_body*, const void*) {
  throw std::invalid_argument(long_text());
}
void throws_a_number(void*, std::ptrdiff_t, revlora_body*, const void*) {
  throw 42;
}

void executors_that_throw() {
  scene here;
  here.options.executor = {throws_an_exception, nullptr};
  CHECK(here.merge() == REVLORA_EXECUTOR_FAILED);
  here.check_untouched();
  const std::string whole = "revlora: the executor threw: " + long_text();
  const std::string told = here.error.text;
  CHECK(whole.compare(0, told.size(), told) == 0);
  CHECK(told.size() >= sizeof here.error.text - 2 && (whole[told.size()] & 0xC0) != 0x80);

  // A byte more or less of room: one of both lengths ends in the middle of a character.
  std::vector<char> memory(sizeof(revlora_error) + 1);
  auto* const longer = reinterpret_cast<revlora_error*>(memory.data());
  longer->size = memory.size();
  CHECK(revlora_merge(&here.w, nullptr, here.list, here.record, &here.options, nullptr, longer) ==
        REVLORA_EXECUTOR_FAILED);
  const std::string more = longer->text;
  CHECK(whole.compare(0, more.size(), more) == 0 && (whole[more.size()] & 0xC0) != 0x80);
  CHECK(told.size() % 2 == more.size() % 2);

  here.options.executor = {throws_a_number, nullptr};
  CHECK(here.merge() == REVLORA_EXECUTOR_FAILED);
  here.check_untouched();
}

// However many allocations a merge succeeds in before one fails, it says so and nothing is changed.
void memory_that_ends() {
  int refused = 0;
  for (int allowed = 0;; ++allowed) {
    scene here;
    here.options.threads = 1;
    allocations_left = allowed;
    const revlora_status status = here.merge();
    allocations_left = -1;
    if (status == REVLORA_OK) break;
    CHECK(status == REVLORA_OUT_OF_MEMORY && std::strstr(here.error.text, "no memory left"));
    here.check_untouched();
    ++refused;
  }
  CHECK(refused > 0);
  allocations_left = 0;
  revlora_record* const record = revlora_record_create();
  revlora_adapters* const adapters = revlora_adapters_create();
  revlora_workspace* const workspace = revlora_workspace_create();
  allocations_left = -1;
  CHECK(record == nullptr && adapters == nullptr && workspace == nullptr);
}

}  // namespace

void* operator new(std::size_t size) {
  return allocated(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

int main() {
  executors_that_throw();
  memory_that_ends();
  std::puts("nothing is thrown through");
}
