# find_package(revlora) after installation: revlora::revlora, and revlora::dispatch if it was built.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# Headers alone suit every machine, a compiled library one architecture.
if(TARGET revlora_dispatch)
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/revlora)
  set(suits "")
  install(TARGETS revlora_dispatch EXPORT revlora)
else()
  set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/revlora)
  set(suits ARCH_INDEPENDENT)
endif()
install(DIRECTORY include/revlora DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS revlora EXPORT revlora)
install(EXPORT revlora NAMESPACE revlora:: FILE revlora-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/revlora-config.cmake.in revlora-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(revlora-config-version.cmake COMPATIBILITY SameMinorVersion
                                 ${suits})
install(FILES cmake/find-xsimd.cmake ${CMAKE_CURRENT_BINARY_DIR}/revlora-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/revlora-config-version.cmake
        DESTINATION ${package_dir})
