#!/usr/bin/env bash
# Builds and runs the consumer. usage: build.sh PACKAGE PROGRAM, where PACKAGE is revlora or
# revlora-dispatch
set -euo pipefail
source=$(dirname "$0")/../main.cpp
eval "flags=($(pkg-config --cflags --libs "$1"))"  # blanks in paths are escaped for a shell
# shellcheck disable=SC2086,SC2154  # CXXFLAGS are to be split
${CXX:-g++} -std=c++20 ${CXXFLAGS:-} "$source" "${flags[@]}" -o "$2"
"$2"
