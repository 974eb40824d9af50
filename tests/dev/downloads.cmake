# What CMake would download is named by its content: a commit, or a hash of an archive. A tag or a
# file behind a URL may be another one tomorrow.
#
#   cmake -DSOURCE=folder -P downloads.cmake
cmake_minimum_required(VERSION 3.21)

set(commands "FetchContent_Declare|ExternalProject_Add|vcpkg_from_git[a-z]*|\
vcpkg_download_distfile|file[(] *DOWNLOAD")
string(REPEAT "[0-9a-f]" 40 commit)
set(hash "GIT_TAG +${commit}|REF +${commit}|(URL_HASH|EXPECTED_HASH) +SHA(256|512)=|SHA512 +[0-9a-f]")

set(checked 0)
foreach(folder IN ITEMS bench cmake dispatch docs examples packaging python tests tools)
  file(GLOB_RECURSE scripts_below ${SOURCE}/${folder}/CMakeLists.txt ${SOURCE}/${folder}/*.cmake)
  list(APPEND scripts ${scripts_below})
endforeach()
list(REMOVE_ITEM scripts ${CMAKE_CURRENT_LIST_FILE})
foreach(script IN LISTS scripts ITEMS ${SOURCE}/CMakeLists.txt)
  file(READ ${script} content)
  string(REPLACE ";" "," content "${content}")  # each call becomes an item of a list
  string(REGEX MATCHALL "(${commands})[^)]*" calls "${content}")
  foreach(call IN LISTS calls)
    if(NOT call MATCHES "SOURCE_DIR" OR call MATCHES "URL|GIT_")  # not of a folder that is here
      math(EXPR checked "${checked} + 1")
      if(NOT call MATCHES "${hash}")
        message(SEND_ERROR "${script} downloads without a hash:\n${call})")
      endif()
    endif()
  endforeach()
endforeach()
if(checked EQUAL 0)
  message(FATAL_ERROR "no downloads in ${SOURCE}: this test looks for the wrong commands")
endif()
