// What a door asks of kept memory: compiled in revlora::dispatch, or here.
#pragma once

#include "../namespace.hpp"
#ifdef REVLORA_DISPATCH
#include "../plain.hpp"
#include "compiled.hpp"

namespace revlora::compiled {
void free_workspace(plain::workspace*) noexcept;
}  // namespace revlora::compiled
#else
#include "../schedule/call_memory.hpp"
#endif
