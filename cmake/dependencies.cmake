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
    GIT_REPOSITORY https://github.com/xtensor-stack/xsimd.git
    GIT_TAG 1f8dd9c8e162968d9b4ff0251c56d431b8777f36  # 13.2.0; a tag could be moved
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
