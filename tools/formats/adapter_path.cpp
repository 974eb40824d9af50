#include "formats/adapter_path.hpp"

#include "console/problem.hpp"

namespace revlora::tool {

std::optional<file> try_to_open(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  try {
    const place file_at(path);
    return file_at.in.open(file_at.name, folder::links::followed);
  } catch (const problem&) {
    return {};
  }
}

}  // namespace revlora::tool
