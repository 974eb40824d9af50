# How many lines a file sees that includes a header: what includes cost in time, without a clock.
# Called with COMPILER, FLAGS, HEADER, MOST, and FOLDER to write to; FORBIDDEN names what may not be
# among them.
set(source ${FOLDER}/includes.cpp)
file(WRITE ${source} "#include <revlora/${HEADER}>\n")
execute_process(COMMAND ${COMPILER} -std=c++20 ${FLAGS} -E -P ${source}
                OUTPUT_FILE ${FOLDER}/lines.ii COMMAND_ERROR_IS_FATAL ANY)
file(STRINGS ${FOLDER}/lines.ii lines)
list(LENGTH lines count)
message("${HEADER}: ${count} lines, of ${MOST}")
if(count GREATER MOST)
  message(FATAL_ERROR "more than ${MOST}: what did it include that it need not?")
endif()
if(FORBIDDEN)
  execute_process(COMMAND ${COMPILER} -std=c++20 ${FLAGS} -M ${source}
                  OUTPUT_VARIABLE included COMMAND_ERROR_IS_FATAL ANY)
  if(included MATCHES "${FORBIDDEN}")
    message(FATAL_ERROR "it includes ${FORBIDDEN}")
  endif()
endif()
