# find_package(revlora) and pkg-config after installation: revlora::revlora and revlora.pc, and if
# they were built, revlora::dispatch and revlora-dispatch.pc, revlora::c and revlora-c.pc.
#
# Three components: revlora_development is what others compile with, revlora_runtime what they run,
# revlora_library what their programs load that were written for C's library.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# Headers alone suit every machine, a compiled library one architecture.
if(TARGET revlora_dispatch)
  set(package_root ${CMAKE_INSTALL_LIBDIR})
  set(suits "")
  install(TARGETS revlora_dispatch EXPORT revlora
          ARCHIVE COMPONENT revlora_development
          LIBRARY COMPONENT revlora_runtime NAMELINK_COMPONENT revlora_development)
else()
  set(package_root ${CMAKE_INSTALL_DATADIR})
  set(suits ARCH_INDEPENDENT)
endif()
install(DIRECTORY include/revlora DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT revlora_development FILES_MATCHING PATTERN *.hpp)
if(TARGET revlora_c)
  install(FILES include/revlora/revlora.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/revlora
          COMPONENT revlora_development)
  install(TARGETS revlora_c revlora_c_static EXPORT revlora-c
          ARCHIVE COMPONENT revlora_development
          LIBRARY COMPONENT revlora_library NAMELINK_COMPONENT revlora_development
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endif()

set(package_dir ${package_root}/cmake/revlora)
target_include_directories(revlora INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS revlora EXPORT revlora)
install(EXPORT revlora NAMESPACE revlora:: FILE revlora-targets.cmake DESTINATION ${package_dir}
        COMPONENT revlora_development)
if(TARGET revlora_c)  # apart, since it needs neither C++ nor xsimd
  install(EXPORT revlora-c NAMESPACE revlora:: FILE revlora-c-targets.cmake
          DESTINATION ${package_dir} COMPONENT revlora_development)
endif()
configure_package_config_file(cmake/revlora-config.cmake.in revlora-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(revlora-config-version.cmake COMPATIBILITY SameMinorVersion
                                 ${suits})
install(FILES cmake/find-xsimd.cmake ${CMAKE_CURRENT_BINARY_DIR}/revlora-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/revlora-config-version.cmake
        DESTINATION ${package_dir} COMPONENT revlora_development)

# Seen from the .pc files, so that what is installed can be moved.
set(pkg_config_dir ${package_root}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
           BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${pkg_config_dir}
           OUTPUT_VARIABLE prefix_from_pkg_config)
set(pkg_config_packages revlora)
if(TARGET revlora_dispatch)
  list(APPEND pkg_config_packages revlora-dispatch)
endif()
if(TARGET revlora_c)
  list(APPEND pkg_config_packages revlora-c)
  # What the static library needs of C++'s runtime, by who links it from C.
  list(TRANSFORM OpenMP_CXX_LIB_NAMES PREPEND -l OUTPUT_VARIABLE runtime)
  list(PREPEND runtime -lstdc++ -lm)
  list(JOIN runtime " " revlora_c_runtime)
endif()
foreach(package IN LISTS pkg_config_packages)
  configure_file(cmake/${package}.pc.in ${package}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${package}.pc DESTINATION ${pkg_config_dir}
          COMPONENT revlora_development)
endforeach()
