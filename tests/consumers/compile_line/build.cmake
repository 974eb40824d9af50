# Compiles with the flags that README names, as it names them, where it wants them to be: in the
# folder of the project.
#
#   cmake -DREVLORA=folder -DCOMPILER=g++ -DPROGRAM=path -P build.cmake
cmake_minimum_required(VERSION 3.21)
file(READ ${REVLORA}/README.md readme)
if(NOT readme MATCHES "-std=c\\+\\+20[^`\n]* -I include")
  message(FATAL_ERROR "README.md has no compile line any more: \"-std=c++20 … -I include\"")
endif()
set(flags ${CMAKE_MATCH_0})
message(STATUS "${flags}")
separate_arguments(flags)
execute_process(COMMAND ${COMPILER} ${flags} ${CMAKE_CURRENT_LIST_DIR}/../main.cpp -o ${PROGRAM}
                WORKING_DIRECTORY ${REVLORA} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PROGRAM} COMMAND_ERROR_IS_FATAL ANY)
