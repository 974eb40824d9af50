// Merges, and prints the instruction set that did it; or prints why there is none.
#include <cstdio>
#include <exception>

#include "revlora/revlora.hpp"

int main() {
  float w[] = {1, 2, 3, 4};
  const float b[] = {1, 1}, a[] = {1, 2};
  try {
    revlora::merge(
        revlora::matrix_view(w, 2, 2),
        revlora::low_rank(revlora::matrix_view(b, 2, 1), revlora::matrix_view(a, 1, 2), 2.0f));
    std::printf("merged by %s\n", revlora::dispatch::name_of(revlora::dispatch::chosen()));
    return w[0] == 3 && w[1] == 6 && w[2] == 5 && w[3] == 8 ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("refused: %s\n", error.what());
    return 1;
  }
}
