# What the objects of revlora::dispatch that are compiled for x86-64's instruction sets define for
# others to link with: their tables, and beside these only what carries their own name.
#
# A weak symbol without it, an inline function of the standard library's for instance, might be the
# copy that the linker keeps for the whole program, and end it on an older machine. (On AArch64 there
# is one set, which every machine runs; xsimd leaves symbols there, and they do no harm.)
#
#   cmake -DNM=nm -DOBJECTS="…/sse2.cpp.o;…/avx2.cpp.o" -P isa_symbols.cmake
include(${CMAKE_CURRENT_LIST_DIR}/defined_symbols.cmake)

set(intended "^[DR] _ZN7revlora8dispatch8built_in[0-9]+[a-z0-9]+E$"  # tables
             "^T _ZN7revlora8dispatch8built_in(14has_bf16_(pairs|tiles)|19has_fast_bf16_pairs)Ev$"
             "^V DW\\.ref\\.__gxx_personality_v0$")  # an address, alike in all C++ objects
list(JOIN intended "|" intended)
set(leaks "")
foreach(object IN LISTS OBJECTS)
  if(NOT object MATCHES "(sse2|avx2|avx512|amx)\\.cpp\\.o(bj)?$")
    continue()
  endif()
  set(own_name dispatched_${CMAKE_MATCH_1})
  set(count 0)
  defined_symbols(${object} symbols)
  foreach(symbol IN LISTS symbols)
    if(symbol MATCHES "[0-9]v0_${own_name}")
      math(EXPR count "${count} + 1")
    elseif(NOT symbol MATCHES "${intended}")
      list(APPEND leaks "${object}: ${symbol}")
    endif()
  endforeach()
  message(STATUS "${object}: ${count} symbols with its name")
  if(count EQUAL 0)
    message(FATAL_ERROR "there should be some")
  endif()
endforeach()
if(leaks)
  list(JOIN leaks "\n  " text)
  message(FATAL_ERROR "symbols that other files might be linked with:\n  ${text}")
endif()
