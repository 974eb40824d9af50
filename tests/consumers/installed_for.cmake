# Which machines the installed package accepts projects for: headers are for every architecture, a
# compiled library for one.
#
#   cmake -DPREFIX=folder -DARCHITECTURES=every|one -P installed_for.cmake
cmake_minimum_required(VERSION 3.21)

set(folder_for_every share)
set(folder_for_one lib)
file(GLOB_RECURSE version_file
     ${PREFIX}/${folder_for_${ARCHITECTURES}}/revlora-config-version.cmake)
if(NOT version_file)
  message(FATAL_ERROR "no package in ${PREFIX}/${folder_for_${ARCHITECTURES}}")
endif()

set(CMAKE_SIZEOF_VOID_P 2)  # of no machine that the library was compiled on
include(${version_file})
set(found every)
if(PACKAGE_VERSION_UNSUITABLE)
  set(found one)
endif()
if(NOT found STREQUAL ARCHITECTURES)
  message(FATAL_ERROR "the package is for ${found} architecture, not for ${ARCHITECTURES}")
endif()
