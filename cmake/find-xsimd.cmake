# Finds an installed xsimd that can be linked; shared by the build and by the installed package.

# Without a version: xsimd's package file accepts only its own major version, revlora many.
find_package(xsimd QUIET)
if(xsimd_FOUND AND xsimd_VERSION VERSION_LESS 8.1)
  message(FATAL_ERROR "revlora needs xsimd 8.1 or newer, found ${xsimd_VERSION}")
endif()

# Debian's xsimd asks to be linked with xtl, which it uses for complex numbers only and does not
# depend on as a package: without xtl installed, linking would fail for want of "-lxtl".
if(xsimd_FOUND AND NOT TARGET xtl)
  find_package(xtl QUIET)
  if(NOT TARGET xtl)
    add_library(xtl INTERFACE IMPORTED)
  endif()
endif()
