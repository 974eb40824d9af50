#include "files/file_system_limits.hpp"

#include <array>
#include <atomic>

#include "console/problem.hpp"

namespace revlora::tool {

void note_limit(file_system_limit limit, const std::string& text) {
  static std::array<std::atomic_flag, 2> is_said;
  if (!is_said[static_cast<std::size_t>(limit)].test_and_set()) note(text);
}

}  // namespace revlora::tool
