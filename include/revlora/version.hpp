// The one place of revlora's version; CMake reads it from here.
#pragma once

#define REVLORA_VERSION_MAJOR 0
#define REVLORA_VERSION_MINOR 1
#define REVLORA_VERSION_PATCH 0
