#include "paths_impl.hpp"

namespace tests {

#define REVLORA_TESTS_INSTANTIATE(...) \
  template const path<revlora::f16>& path_of<revlora::f16, __VA_ARGS__>();
REVLORA_TESTS_FOR_EACH_ARCH(REVLORA_TESTS_INSTANTIATE)

}  // namespace tests
