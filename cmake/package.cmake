# `cpack` makes Debian packages of what is built: librevlora-dev, librevlora0, the shared library for
# C, and revlora, the program.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the revlora authors")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_COMPONENTS_ALL revlora_development)

set(CPACK_DEBIAN_REVLORA_DEVELOPMENT_PACKAGE_NAME librevlora-dev)
set(CPACK_DEBIAN_REVLORA_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_REVLORA_DEVELOPMENT_DESCRIPTION
    "A header-only C++20 library, its kernels compiled for every processor, the library for C, and \
what CMake and pkg-config need to find them.")
set(development_depends "libxsimd-dev (>= ${revlora_least_xsimd})")
if(NOT TARGET revlora_dispatch)
  set(CPACK_DEBIAN_REVLORA_DEVELOPMENT_PACKAGE_ARCHITECTURE all)
elseif(BUILD_SHARED_LIBS)
  string(APPEND development_depends ", revlora (= ${PROJECT_VERSION})")
endif()
if(TARGET revlora_c)
  string(APPEND development_depends ", librevlora0 (= ${PROJECT_VERSION})")
endif()
set(CPACK_DEBIAN_REVLORA_DEVELOPMENT_PACKAGE_DEPENDS ${development_depends})

# Named after its soname: one of another number may be installed beside it. What it exports only
# grows, so programs of others depend on the version that they were linked with or a later one.
set(CPACK_DEBIAN_REVLORA_LIBRARY_PACKAGE_NAME librevlora0)
set(CPACK_DEBIAN_REVLORA_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_REVLORA_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_REVLORA_LIBRARY_DESCRIPTION
    "The shared library for C, with kernels for every processor.")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
if(TARGET revlora_c)
  list(APPEND CPACK_COMPONENTS_ALL revlora_library)
endif()

set(CPACK_DEBIAN_REVLORA_RUNTIME_PACKAGE_NAME revlora)
set(CPACK_DEBIAN_REVLORA_RUNTIME_PACKAGE_SECTION science)
set(CPACK_DEBIAN_REVLORA_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_REVLORA_RUNTIME_DESCRIPTION
    "A program for safetensors checkpoints and PEFT adapters, and a small demo of it.")
if(TARGET revlora_program OR (TARGET revlora_dispatch AND BUILD_SHARED_LIBS))
  list(APPEND CPACK_COMPONENTS_ALL revlora_runtime)
endif()

# Debian wants a copyright file in each package, at a place where others would not look for one.
file(READ ${PROJECT_SOURCE_DIR}/LICENSE licence)
configure_file(${PROJECT_SOURCE_DIR}/packaging/debian/copyright.in copyright @ONLY)
foreach(component IN ITEMS DEVELOPMENT LIBRARY RUNTIME)
  string(TOLOWER revlora_${component} install_component)
  install(FILES ${PROJECT_BINARY_DIR}/copyright
          DESTINATION share/doc/${CPACK_DEBIAN_REVLORA_${component}_PACKAGE_NAME}
          COMPONENT ${install_component} EXCLUDE_FROM_ALL)
endforeach()

# Nor does its zsh look where zsh does by itself.
if(TARGET revlora_program)
  install(FILES ${PROJECT_SOURCE_DIR}/packaging/completions/_revlora
          DESTINATION share/zsh/vendor-completions COMPONENT revlora_runtime EXCLUDE_FROM_ALL)
endif()

include(CPack)
