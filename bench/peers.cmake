# Other libraries that can do a merge, each only if this system has it.

# Sets `variable` to a target for a library and the folder of its header, to nothing if one of them
# is not there. The further arguments are folders below the usual ones.
function(revlora_find_peer variable library header)
  string(TOUPPER REVLORA_${variable} prefix)
  find_library(${prefix}_LIBRARY ${library} PATH_SUFFIXES ${ARGN})
  list(TRANSFORM ARGN PREPEND ${CMAKE_LIBRARY_ARCHITECTURE}/ OUTPUT_VARIABLE of_architecture)
  find_path(${prefix}_INCLUDE ${header} PATH_SUFFIXES ${of_architecture} ${ARGN})
  mark_as_advanced(${prefix}_LIBRARY ${prefix}_INCLUDE)
  set(${variable} "" PARENT_SCOPE)
  if(${prefix}_LIBRARY AND ${prefix}_INCLUDE)
    add_library(revlora_${variable} INTERFACE)
    target_link_libraries(revlora_${variable} INTERFACE ${${prefix}_LIBRARY})
    target_include_directories(revlora_${variable} SYSTEM INTERFACE ${${prefix}_INCLUDE})
    set(${variable} revlora_${variable} PARENT_SCOPE)
  endif()
endfunction()

function(revlora_bench_peer name macro source)
  if(ARGN)
    message(STATUS "revlora: the benchmark compares with ${name}")
    target_sources(revlora_bench PRIVATE ${source})
    target_compile_definitions(revlora_bench PRIVATE ${macro})
    target_link_libraries(revlora_bench PRIVATE ${ARGN})
  else()
    message(STATUS "revlora: no ${name} for the benchmark to compare with")
  endif()
endfunction()

# The OpenMP flavour first: its threads are those of everyone else. The threads of the other one
# would spin on while the next benchmark runs.
revlora_find_peer(openblas openblas cblas.h openblas-openmp openblas)
revlora_bench_peer(OpenBLAS REVLORA_BENCH_OPENBLAS peer_openblas.cpp ${openblas})

find_package(Eigen3 QUIET CONFIG)
set(eigen "")
if(TARGET Eigen3::Eigen)
  set(eigen Eigen3::Eigen)
endif()
revlora_bench_peer(Eigen REVLORA_BENCH_EIGEN peer_eigen.cpp ${eigen})

# Not by find_package: Debian's package file would have the build stop for want of OpenCL.
revlora_find_peer(onednn dnnl dnnl.hpp)
revlora_bench_peer(oneDNN REVLORA_BENCH_ONEDNN peer_onednn.cpp ${onednn})
