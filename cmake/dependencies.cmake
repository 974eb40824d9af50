# xsimd and OpenMP, from the system or the project around this one first.

include(${CMAKE_CURRENT_LIST_DIR}/find-xsimd.cmake)
if(xsimd_FOUND AND xsimd_VERSION VERSION_LESS revlora_least_xsimd)
  message(FATAL_ERROR "revlora needs xsimd ${revlora_least_xsimd} or newer, "
                      "found ${xsimd_VERSION} in ${xsimd_DIR}")
endif()
if(NOT TARGET xsimd)
  include(FetchContent)
  FetchContent_Declare(
    xsimd
    URL https://github.com/xtensor-stack/xsimd/archive/refs/tags/13.2.0.tar.gz
    SOURCE_SUBDIR added-below)  # names no folder: xsimd installs itself unless it is excluded
  FetchContent_MakeAvailable(xsimd)
endif()
if(NOT TARGET xsimd)
  if(REVLORA_INSTALL)
    add_subdirectory(${xsimd_SOURCE_DIR} ${xsimd_BINARY_DIR})
  else()
    add_subdirectory(${xsimd_SOURCE_DIR} ${xsimd_BINARY_DIR} EXCLUDE_FROM_ALL)
  endif()
endif()

# Without OpenMP everything runs on the calling thread, or on an executor of the caller's.
find_package(OpenMP QUIET COMPONENTS CXX)
if(NOT OpenMP_CXX_FOUND)
  message(STATUS "revlora: no OpenMP, the default executor is serial")
endif()
