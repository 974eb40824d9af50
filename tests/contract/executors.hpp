// An executor of one's own.
#pragma once

#include <cstddef>
#include <thread>

namespace contract {

/// The calling thread and, if there is more than one piece, a std::thread; each takes every other
/// piece, from the last one down. (Three took minutes in an emulator, for making threads.)
struct on_threads {
  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    const auto every_other = [&](std::ptrdiff_t from) {
      for (std::ptrdiff_t i = from; i >= 0; i -= 2) body(i);
    };
    std::thread other;
    if (count > 1) other = std::thread(every_other, count - 2);
    every_other(count - 1);
    if (other.joinable()) other.join();
  }
};

}  // namespace contract
