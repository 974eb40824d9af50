# REVLORA_NATIVE_FLAGS: what makes the compiler use all of this machine, for tests and benchmarks.
include(CheckCXXCompilerFlag)
set(REVLORA_NATIVE_FLAGS "")
if(NOT CMAKE_CROSSCOMPILING)
  check_cxx_compiler_flag(-march=native REVLORA_HAS_MARCH_NATIVE)
  if(REVLORA_HAS_MARCH_NATIVE)
    set(REVLORA_NATIVE_FLAGS -march=native)
  endif()
endif()
