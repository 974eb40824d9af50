# A project that has revlora in its own build: it builds, and revlora leaves no trace in it that was
# not asked for: no tests, nothing installed, no options of other names, no flags.
#
#   cmake -DPROJECT=folder -DBUILD=folder -DREVLORA=folder -DSTANDARD=20 "-DOPTIONS=-G;Ninja;…" \
#         -P embedded.cmake
cmake_minimum_required(VERSION 3.21)

function(run)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(install_into prefix)
  file(REMOVE_RECURSE ${prefix})
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
  file(GLOB_RECURSE installed RELATIVE ${prefix} ${prefix}/*)
  set(installed "${installed}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${BUILD})
run(${CMAKE_COMMAND} -S ${PROJECT} -B ${BUILD} ${OPTIONS} -Drevlora_checkout=${REVLORA}
    -DCMAKE_CXX_STANDARD=${STANDARD} -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
    -DCMAKE_PROJECT_consumer_INCLUDE=${CMAKE_CURRENT_LIST_DIR}/leaks.cmake)
run(${CMAKE_COMMAND} --build ${BUILD})

set(spellings_of_20 20)
set(spellings_of_23 "23|2b")
file(READ ${BUILD}/compile_commands.json commands)
if(NOT commands MATCHES "-std=(gnu|c)\\+\\+(${spellings_of_${STANDARD}}) ")
  message(FATAL_ERROR "CMAKE_CXX_STANDARD=${STANDARD} was not respected: ${commands}")
endif()

run(${CMAKE_CTEST_COMMAND} --test-dir ${BUILD} --output-on-failure)
if(NOT output MATCHES "100% tests passed(, 0 tests failed)? out of 1\n")  # CMake 4.4 says less
  message(FATAL_ERROR "the project has one test of its own:\n${output}")
endif()

install_into(${BUILD}/installed)
if(NOT installed STREQUAL bin/consumer)
  message(FATAL_ERROR "the project installs bin/consumer and nothing else: ${installed}")
endif()

run(${CMAKE_COMMAND} -DREVLORA_INSTALL=ON -UCMAKE_PROJECT_consumer_INCLUDE ${BUILD})
install_into(${BUILD}/installed-with-revlora)
if(NOT "include/revlora/revlora.hpp" IN_LIST installed)
  message(FATAL_ERROR "REVLORA_INSTALL=ON does not install revlora: ${installed}")
endif()
