# Two files with other flags: none of revlora's symbols may be defined in both, or the linker would
# throw one copy away and let its file run the code of the other.
#
#   cmake -DNM=nm -DFIRST=native.cpp.o -DSECOND=baseline.cpp.o -P shared_symbols.cmake
include(${CMAKE_CURRENT_LIST_DIR}/defined_symbols.cmake)

defined_symbols(${FIRST} first)
defined_symbols(${SECOND} second)
list(FILTER first INCLUDE REGEX "7revlora")
list(FILTER second INCLUDE REGEX "7revlora")
list(LENGTH first first_count)
list(LENGTH second second_count)
message(STATUS "symbols of revlora: ${first_count} and ${second_count}")
if(first_count EQUAL 0 OR second_count EQUAL 0)
  message(FATAL_ERROR "there should be some")
endif()
set(shared "")
foreach(symbol IN LISTS first)
  if(symbol IN_LIST second)
    list(APPEND shared "${symbol}")
  endif()
endforeach()
if(shared)
  list(JOIN shared "\n  " text)
  message(FATAL_ERROR "defined in both:\n  ${text}")
endif()
