#!/usr/bin/env bash
# Builds and runs the consumer in C. usage: build_c.sh PACKAGE PROGRAM [--static]
set -euo pipefail
source=$(dirname "$0")/../main.c
eval "flags=($(pkg-config --cflags --libs ${3:-} "$1"))"  # blanks in paths are escaped for a shell
[ $# -lt 3 ] || flags=("${flags[@]/#-lrevlora/-l:librevlora.a}")  # of this library only
"${CC:-cc}" -std=c99 "$source" "${flags[@]}" -o "$2"
LD_LIBRARY_PATH=$([ $# -gt 2 ] || pkg-config --variable=libdir "$1") "$2"
