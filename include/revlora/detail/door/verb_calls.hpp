// What a door asks of verbs: compiled in revlora::dispatch, or here.
#pragma once

#include "../border/call.hpp"
#include "../namespace.hpp"
#ifdef REVLORA_DISPATCH
#include <cstdint>
#include <string>

namespace revlora::compiled {
std::uint8_t perform(const plain::call&, plain::answer&, std::string& text);
std::uint64_t fingerprint_of(const plain::adapter&, kernel_interface::absorb_steps*);
}  // namespace revlora::compiled

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {
using namespace revlora::compiled;
}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
#else
#include "../border/perform.hpp"
#endif
