// What revlora::dispatch has compiled is found where it would be if it were compiled here.
#pragma once

#include "../namespace.hpp"

namespace revlora::compiled {}

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {
using namespace revlora::compiled;
}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
