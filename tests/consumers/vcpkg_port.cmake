# Runs the vcpkg port without vcpkg: the functions it calls do here what the port relies on, with
# the options that the port gives. One that CMakeLists.txt does not have any more is an error.
#
#   cmake -DPORT_DIR=folder -DOUTPUT=folder "-DOPTIONS=-G;Ninja;…" -P vcpkg_port.cmake
cmake_minimum_required(VERSION 3.21)

function(vcpkg_check_features)
  cmake_parse_arguments(arg "" OUT_FEATURE_OPTIONS FEATURES ${ARGN})
  list(POP_FRONT arg_FEATURES feature option)
  if(NOT feature STREQUAL dispatch)
    message(FATAL_ERROR "what is the feature ${feature}?")
  endif()
  set(${arg_OUT_FEATURE_OPTIONS} -D${option}=OFF PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(arg "" SOURCE_PATH OPTIONS ${ARGN})
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B ${OUTPUT}/build ${OPTIONS}
                          ${arg_OPTIONS}
                  ERROR_VARIABLE errors OUTPUT_QUIET RESULT_VARIABLE result)
  if(result OR errors MATCHES "REVLORA_")
    message(FATAL_ERROR "${errors}")
  endif()
endfunction()

function(vcpkg_cmake_install)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${OUTPUT}/build
                          --prefix ${CURRENT_PACKAGES_DIR}
                  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(arg "" CONFIG_PATH "" ${ARGN})
  if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/revlora-config.cmake)
    message(FATAL_ERROR "no package in ${arg_CONFIG_PATH}")
  endif()
  file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH})
endfunction()

function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(arg "" "" FILE_LIST ${ARGN})
  file(COPY ${arg_FILE_LIST} DESTINATION ${CURRENT_PACKAGES_DIR}/share/revlora)
endfunction()

file(REMOVE_RECURSE ${OUTPUT})
set(CURRENT_PORT_DIR ${PORT_DIR})
set(CURRENT_PACKAGES_DIR ${OUTPUT}/package)
set(FEATURES core)
include(${CURRENT_PORT_DIR}/portfile.cmake)

# vcpkg wants no empty folders, and no files twice.
file(GLOB_RECURSE installed LIST_DIRECTORIES true RELATIVE ${CURRENT_PACKAGES_DIR}
     ${CURRENT_PACKAGES_DIR}/*)
foreach(path IN LISTS installed)
  file(GLOB inside ${CURRENT_PACKAGES_DIR}/${path}/*)
  if(IS_DIRECTORY ${CURRENT_PACKAGES_DIR}/${path} AND NOT inside)
    message(FATAL_ERROR "empty folder: ${path}")
  endif()
endforeach()
if(NOT "share/revlora/LICENSE" IN_LIST installed OR
   NOT "include/revlora/revlora.hpp" IN_LIST installed)
  message(FATAL_ERROR "no headers or no licence: ${installed}")
endif()
