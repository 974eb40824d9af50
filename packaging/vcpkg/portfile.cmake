# An overlay port: takes the sources from the checkout that it lies in.
#
#   vcpkg install revlora --overlay-ports=revlora/packaging/vcpkg
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS feature_options
                     FEATURES dispatch REVLORA_BUILD_DISPATCH)
if("dispatch" IN_LIST FEATURES)
  set(package_root lib)
else()
  set(package_root share)
  set(VCPKG_BUILD_TYPE release)  # headers only
endif()

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS ${feature_options} -DREVLORA_BUILD_C=OFF -DREVLORA_BUILD_TESTS=OFF
          -DREVLORA_BUILD_BENCH=OFF -DREVLORA_BUILD_TOOLS=OFF -DREVLORA_BUILD_EXAMPLES=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH ${package_root}/cmake/revlora)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/${package_root}/cmake"
     "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
