#include "paths_impl.hpp"

namespace tests {

#define REVLORA_TESTS_INSTANTIATE(...) template const path<float>& path_of<float, __VA_ARGS__>();
REVLORA_TESTS_FOR_EACH_ARCH(REVLORA_TESTS_INSTANTIATE)

}  // namespace tests
