# Toolchain: 64-bit ARM by Debian's cross compiler; what it makes is run by QEMU.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# xsimd is headers only, the same for every machine, but Debian 12 keeps its package file with this
# machine's libraries. (Its /usr/include is the last place where the cross compiler looks anyway.)
file(GLOB xsimd_folders /usr/lib/*-linux-gnu/cmake/xsimd /usr/share/cmake/xsimd)
if(xsimd_folders)
  list(GET xsimd_folders 0 xsimd_DIR)
endif()
