# Finds an installed xsimd that can be linked; shared by the build and by the installed package.
set(revlora_least_xsimd 8.1)

# Without a version: xsimd's package file accepts only its own major version, revlora many.
find_package(xsimd QUIET)

# Debian's xsimd asks to be linked with xtl, which it uses for complex numbers only and does not
# depend on as a package: without xtl installed, linking would fail for want of "-lxtl".
if(xsimd_FOUND AND NOT TARGET xtl)
  find_package(xtl QUIET)
  if(NOT TARGET xtl)
    add_library(xtl INTERFACE IMPORTED)
  endif()
endif()
