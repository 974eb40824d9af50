// An executor of one's own.
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

namespace contract {

/// At most three std::threads; each takes every third piece, from the last one down.
struct on_threads {
  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    std::vector<std::thread> team;
    for (std::ptrdiff_t first = count - 1; first >= 0 && first > count - 4; --first) {
      team.emplace_back([first, &body] {
        for (std::ptrdiff_t i = first; i >= 0; i -= 3) body(i);
      });
    }
    for (std::thread& member : team) member.join();
  }
};

}  // namespace contract
