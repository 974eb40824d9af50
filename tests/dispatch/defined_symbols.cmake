cmake_minimum_required(VERSION 3.21)

# What an object defines for others to link with, as "T name", by the letters of nm. Mangled: what
# demanglers print could be taken apart as lists by CMake.
function(defined_symbols object result)
  execute_process(COMMAND ${NM} ${object} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[0-9a-f]+ [A-TVWXYZu] [^\n]+" lines "${output}")
  list(TRANSFORM lines REPLACE "^[0-9a-f]+ " "")
  set(${result} "${lines}" PARENT_SCOPE)
endfunction()
