# xsimd and OpenMP, from the system first.

include(${CMAKE_CURRENT_LIST_DIR}/find-xsimd.cmake)
if(NOT xsimd_FOUND)
  include(FetchContent)
  FetchContent_Declare(
    xsimd
    URL https://github.com/xtensor-stack/xsimd/archive/refs/tags/13.2.0.tar.gz)
  FetchContent_MakeAvailable(xsimd)
endif()

# Without OpenMP everything runs on the calling thread, or on an executor of the caller's.
find_package(OpenMP QUIET COMPONENTS CXX)
if(NOT OpenMP_CXX_FOUND)
  message(STATUS "revlora: no OpenMP, the default executor is serial")
endif()
