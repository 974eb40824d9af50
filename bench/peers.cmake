# Other libraries that can do a merge, each only if this system has it.

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
find_library(REVLORA_OPENBLAS_LIBRARY openblas PATH_SUFFIXES openblas-openmp)
find_path(REVLORA_OPENBLAS_INCLUDE cblas.h
          PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp openblas-openmp openblas)
mark_as_advanced(REVLORA_OPENBLAS_LIBRARY REVLORA_OPENBLAS_INCLUDE)
set(openblas "")
if(REVLORA_OPENBLAS_LIBRARY AND REVLORA_OPENBLAS_INCLUDE)
  add_library(revlora_openblas INTERFACE)
  target_link_libraries(revlora_openblas INTERFACE ${REVLORA_OPENBLAS_LIBRARY})
  target_include_directories(revlora_openblas SYSTEM INTERFACE ${REVLORA_OPENBLAS_INCLUDE})
  set(openblas revlora_openblas)
endif()
revlora_bench_peer(OpenBLAS REVLORA_BENCH_OPENBLAS peer_openblas.cpp ${openblas})

find_package(Eigen3 QUIET CONFIG)
set(eigen "")
if(TARGET Eigen3::Eigen)
  set(eigen Eigen3::Eigen)
endif()
revlora_bench_peer(Eigen REVLORA_BENCH_EIGEN peer_eigen.cpp ${eigen})

# Not by find_package: Debian's package file would have the build stop for want of OpenCL.
find_library(REVLORA_ONEDNN_LIBRARY dnnl)
find_path(REVLORA_ONEDNN_INCLUDE dnnl.hpp)
mark_as_advanced(REVLORA_ONEDNN_LIBRARY REVLORA_ONEDNN_INCLUDE)
set(onednn "")
if(REVLORA_ONEDNN_LIBRARY AND REVLORA_ONEDNN_INCLUDE)
  add_library(revlora_onednn INTERFACE)
  target_link_libraries(revlora_onednn INTERFACE ${REVLORA_ONEDNN_LIBRARY})
  target_include_directories(revlora_onednn SYSTEM INTERFACE ${REVLORA_ONEDNN_INCLUDE})
  set(onednn revlora_onednn)
endif()
revlora_bench_peer(oneDNN REVLORA_BENCH_ONEDNN peer_onednn.cpp ${onednn})
