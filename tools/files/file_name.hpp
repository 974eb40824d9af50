// Names of files that stand in files: whoever wrote them must not lead the program elsewhere.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace revlora::tool {

/// Throws a problem that begins with `what` ("…: the file of 'lm_head.weight'") unless `name` is
/// the plain name of a file in some folder: 1 to 255 bytes of UTF-8, not "." or "..", no '/', no
/// control characters.
void check_file_name(std::string_view name, const std::string& what);

/// The same of a name that may lead through folders: plain names with '/' between them, four of
/// them at most.
void check_relative_name(std::string_view name, const std::string& what);

/// Throws a problem that begins with `what` ("the model") unless the path can stand in an undo
/// file, whose header is UTF-8.
void require_utf8(const std::filesystem::path& path, const std::string& what);

}  // namespace revlora::tool
