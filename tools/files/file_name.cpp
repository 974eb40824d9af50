#include "files/file_name.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"
#include "console/utf8.hpp"

namespace revlora::tool {

void check_file_name(std::string_view name, const std::string& what) {
  constexpr std::size_t longest = 255;  // NAME_MAX
  const bool is_plain = !name.empty() && name.size() <= longest && name != "." && name != ".." &&
                        name.find('/') == std::string_view::npos && is_utf8(name) &&
                        !has_control_characters(name);
  if (!is_plain) throw problem(what + " is " + quoted(name) + ": not a plain file name");
}

void check_relative_name(std::string_view name, const std::string& what) {
  constexpr int most = 4;
  std::string_view rest = name;
  for (int parts = 1; parts <= most; ++parts) {
    const std::size_t slash = rest.find('/');
    check_file_name(rest.substr(0, slash), what);
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 1);
  }
  throw problem(what + " is " + quoted(name) + ": in too many folders");
}

void require_utf8(const std::filesystem::path& path, const std::string& what) {
  if (is_utf8(path.native())) return;
  throw problem(what + " " + quoted(path) +
                " is not UTF-8: an undo file could not name it, so rename it");
}

}  // namespace revlora::tool
