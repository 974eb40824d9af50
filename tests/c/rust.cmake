# Builds and runs the program in Rust.
#
#   cmake -DRUSTC=rustc -DSOURCE=file -DLIBRARY_FOLDER=folder -DPROGRAM=file -P rust.cmake
cmake_minimum_required(VERSION 3.21)
execute_process(COMMAND ${RUSTC} -D warnings -O ${SOURCE} -o ${PROGRAM} -L ${LIBRARY_FOLDER}
                        -C link-arg=-Wl,-rpath,${LIBRARY_FOLDER}
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PROGRAM} COMMAND_ERROR_IS_FATAL ANY)
