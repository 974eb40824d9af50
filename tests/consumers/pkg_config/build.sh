#!/usr/bin/env bash
# Builds and runs the consumer. usage: build.sh PACKAGE PROGRAM, where PACKAGE is revlora or
# revlora-dispatch
set -euo pipefail
source=$(dirname "$0")/../main.cpp
# shellcheck disable=SC2046,SC2086  # flags are to be split
${CXX:-g++} -std=c++20 ${CXXFLAGS:-} "$source" $(pkg-config --cflags --libs "$1") -o "$2"
"$2"
