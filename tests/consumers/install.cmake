# Installs a build, moves what it installed elsewhere, and looks that nothing in it names where it
# was. What consumers find works only if it can be moved.
#
#   cmake -DBUILD=folder -DPREFIX=folder "-DNOWHERE=source;build" -P install.cmake
cmake_minimum_required(VERSION 3.21)

set(first_prefix ${PREFIX}-before-the-move)
file(REMOVE_RECURSE ${PREFIX} ${first_prefix})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${first_prefix}
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${first_prefix} ${PREFIX})

file(GLOB_RECURSE texts ${PREFIX}/*.cmake ${PREFIX}/*.pc)
if(NOT texts)
  message(FATAL_ERROR "nothing for CMake and pkg-config in ${PREFIX}")
endif()
foreach(text IN LISTS texts)
  file(READ ${text} content)
  foreach(folder IN LISTS NOWHERE ITEMS ${first_prefix})
    string(FIND "${content}" "${folder}" position)
    if(NOT position EQUAL -1)
      message(FATAL_ERROR "${text} names ${folder}")
    endif()
  endforeach()
endforeach()
