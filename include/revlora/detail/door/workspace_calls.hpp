// What a door asks of kept memory: compiled in revlora::dispatch, or here.
#pragma once

#include "../namespace.hpp"
#ifdef REVLORA_DISPATCH
#include "../plain.hpp"

namespace revlora::compiled {
void free_workspace(plain::workspace*) noexcept;
}  // namespace revlora::compiled

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {
using namespace revlora::compiled;
}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
#else
#include "../schedule/call_memory.hpp"
#endif
