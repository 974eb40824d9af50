// What a door asks of verbs: compiled in revlora::dispatch, or here.
#pragma once

#include "../border/call.hpp"
#include "../namespace.hpp"
#ifdef REVLORA_DISPATCH
#include <cstdint>
#include <string>

#include "compiled.hpp"

namespace revlora::compiled {
std::uint8_t perform(const plain::call&, plain::answer&, std::string& text);
std::uint64_t fingerprint_of(const plain::adapter&, kernel_interface::absorb_steps*);
}  // namespace revlora::compiled
#else
#include "../border/perform.hpp"
#endif
