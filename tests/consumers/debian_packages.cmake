# Makes the Debian packages, looks at what is in them, and unpacks them for a consumer.
#
#   cmake -DBUILD=folder -DVERSION=0.1.0 -DOUTPUT=folder -P debian_packages.cmake
cmake_minimum_required(VERSION 3.21)

function(run)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${OUTPUT})
run(${CMAKE_CPACK_COMMAND} --config ${BUILD}/CPackConfig.cmake -G DEB -B ${OUTPUT})

function(check_field package field expected)
  run(dpkg-deb --field ${package} ${field})
  if(NOT output MATCHES "${expected}")
    message(SEND_ERROR "${field} of ${package} is not ${expected}: ${output}")
  endif()
endfunction()

# check_package(NAME depends files …): regular expressions; each finds a file, each file is found
function(check_package name depends)
  file(GLOB package ${OUTPUT}/${name}_${VERSION}_*.deb)
  check_field(${package} Package "^${name}\n$")
  check_field(${package} Version "^${VERSION}\n$")
  check_field(${package} Depends "${depends}")
  run(dpkg-deb --contents ${package})
  string(REGEX MATCHALL "\\./[^\n]*[^/\n]\n" unexpected "${output}")
  foreach(file IN LISTS ARGN ITEMS "usr/share/doc/${name}/copyright")
    set(found ${unexpected})
    list(FILTER found INCLUDE REGEX "^\\./${file}\n$")
    if(NOT found)
      message(SEND_ERROR "${name} lacks ${file}")
    endif()
    list(FILTER unexpected EXCLUDE REGEX "^\\./${file}\n$")
  endforeach()
  if(unexpected)
    message(SEND_ERROR "${name} has, unexpectedly:\n${unexpected}")
  endif()
  run(dpkg-deb --extract ${package} ${OUTPUT}/unpacked)
endfunction()

check_package(librevlora-dev "libxsimd-dev \\(>= 8\\.1\\), librevlora0 \\(= ${VERSION}\\)"
              "usr/include/revlora/revlora\\.h" "usr/include/revlora/revlora\\.hpp" "usr/include/revlora/[a-z_/0-9]+\\.hpp"
              "usr/lib.*/cmake/revlora/revlora-config\\.cmake"
              "usr/lib.*/cmake/revlora/[a-z-]+\\.cmake"
              "usr/lib.*/pkgconfig/revlora\\.pc" "usr/lib.*/pkgconfig/revlora-dispatch\\.pc"
              "usr/lib.*/pkgconfig/revlora-c\\.pc"
              "usr/lib.*/librevlora_dispatch\\.(a|so)"
              "usr/lib.*/librevlora\\.a" "usr/lib.*/librevlora\\.so -> librevlora\\.so\\.0")
check_package(librevlora0 "libc6.*libstdc\\+\\+6"
              "usr/lib.*/librevlora\\.so\\.0 -> librevlora\\.so\\.${VERSION}"
              "usr/lib.*/librevlora\\.so\\.${VERSION}")
file(GLOB package ${OUTPUT}/librevlora0_*.deb)
check_field(${package} Section "^libs\n$")
run(dpkg-deb --info ${package} shlibs)
if(NOT output STREQUAL "librevlora 0 librevlora0 (>= ${VERSION})\n")
  message(SEND_ERROR "what programs of others are to depend on: ${output}")
endif()
check_package(revlora "libc6.*libstdc\\+\\+6"
              usr/bin/revlora "usr/share/man/man1/revlora\\.1"
              usr/share/bash-completion/completions/revlora
              usr/share/fish/vendor_completions\\.d/revlora\\.fish
              usr/share/zsh/site-functions/_revlora usr/share/zsh/vendor-completions/_revlora
              usr/share/revlora/demo/README\\.md
              "usr/share/revlora/demo/.*model\\.safetensors" "usr/share/revlora/demo/.*\\.json"
              "usr/share/revlora/demo/.*merged_by_peft.safetensors")

run(${OUTPUT}/unpacked/usr/bin/revlora --version)
if(NOT output MATCHES "^revlora ${VERSION}, computes with ")
  message(SEND_ERROR "the packed program's version: ${output}")
endif()
