// Who may do what with a file or folder.
#pragma once

#include <filesystem>

#include "files/descriptor.hpp"

namespace revlora::tool {

/// Takes over who may do what from one descriptor, of a file or folder, to another, `path`. The
/// owner, group, access control lists and other extended attributes too, where the system allows
/// that; nobody may read it who may not read the original. The owner gets `at_least` these
/// permissions.
void adopt(const descriptor& to, const std::filesystem::path& path, const descriptor& original,
           unsigned at_least);

/// Leaves a new file or folder nothing of what its folder hands on by default: access control lists
/// that would open it, and what is made in it, to others.
void disinherit(const descriptor& made);

}  // namespace revlora::tool
