# What librevlora.so exports is what packaging/abi/librevlora.symbols has, name by name and version
# by version, and nothing else: no function of C++'s, none of revlora::dispatch's.
#
# After a function is added, add it to the list: none may ever be taken out of librevlora.so.0.
#
#   cmake -DNM=nm -DLIBRARY=librevlora.so -DLIST=librevlora.symbols -P symbols.cmake
cmake_minimum_required(VERSION 3.21)
execute_process(COMMAND ${NM} -D --defined-only --with-symbol-versions ${LIBRARY}
                OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" lines "${output}")
set(exported "")
foreach(line IN LISTS lines)
  if(line MATCHES "^[0-9a-f]+ A REVLORA_0(@.*)?$")
    continue()  # the version itself
  elseif(line MATCHES "^[0-9a-f]+ T (revlora_[a-z_]+@@REVLORA_0)$")
    list(APPEND exported ${CMAKE_MATCH_1})
  else()
    message(SEND_ERROR "exported, though it is no function revlora_…@@REVLORA_0: ${line}")
  endif()
endforeach()
file(STRINGS ${LIST} expected)
foreach(name IN LISTS exported)
  if(NOT name IN_LIST expected)
    message(SEND_ERROR "exported, but not in ${LIST}: ${name}")
  endif()
endforeach()
foreach(name IN LISTS expected)
  if(NOT name IN_LIST exported)
    message(SEND_ERROR "in ${LIST}, but not exported: ${name}")
  endif()
endforeach()
list(LENGTH exported count)
message(STATUS "${count} functions")
