#include "paths_impl.hpp"

namespace tests {

#define REVLORA_TESTS_INSTANTIATE(...)                                       \
  template const path<revlora::e4m3>& path_of<revlora::e4m3, __VA_ARGS__>(); \
  template const path<revlora::e5m2>& path_of<revlora::e5m2, __VA_ARGS__>();
REVLORA_TESTS_FOR_EACH_ARCH(REVLORA_TESTS_INSTANTIATE)

}  // namespace tests
