// The library as a whole, and the memory that it may keep.
#include <new>

#include "answer.hpp"
#include "executors.hpp"
#include "handles.hpp"
#include "revlora/dispatch.hpp"
#include "revlora/version.hpp"

#if defined(__SSE3__)
#error "flags of the build keep librevlora from running everywhere: give -march=…, not -m…"
#endif

namespace c = revlora::c;

#define REVLORA_TEXT(number) #number
#define REVLORA_TEXT_OF(number) REVLORA_TEXT(number)
const char* revlora_version(void) {
  return REVLORA_TEXT_OF(REVLORA_VERSION_MAJOR) "." REVLORA_TEXT_OF(
      REVLORA_VERSION_MINOR) "." REVLORA_TEXT_OF(REVLORA_VERSION_PATCH);
}

const char* revlora_instruction_set(revlora_error* error) {
  const char* name = nullptr;
  c::answer(error, [&] {
    c::check_instruction_set();
    name = revlora::dispatch::name_of(revlora::dispatch::chosen());
    return revlora::validation();
  });
  return name;
}

const char* revlora_status_name(revlora_status status) {
  if (status == REVLORA_OK) return "ok";
  if (status == REVLORA_IMPOSSIBLE_INSTRUCTION_SET) return "impossible_instruction_set";
  if (status < REVLORA_OK || status > REVLORA_OUT_OF_MEMORY) return "unknown";
  return name_of(static_cast<revlora::refusal>(status));
}

revlora_workspace* revlora_workspace_create(void) {
  return new (std::nothrow) revlora_workspace;
}
void revlora_workspace_destroy(revlora_workspace* workspace) {
  delete workspace;
}
