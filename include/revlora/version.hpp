/// \file
/// The one place of revlora's version; CMake reads it from here.
#pragma once

#define REVLORA_VERSION_MAJOR 0  ///< 0: what a minor version changes may break its users
#define REVLORA_VERSION_MINOR 2  ///< grows with every change of the interface
#define REVLORA_VERSION_PATCH 0  ///< grows with changes that break nobody
