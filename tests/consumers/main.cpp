// What every consumer builds: merges with an undo record, unmerges, and looks whether every bit is
// back. Prints the version, and by what it was computed.
#include <cstdint>
#include <cstring>
#include <iostream>
#include <revlora/revlora.hpp>
#include <vector>

#ifdef REVLORA_DISPATCH
#include <revlora/dispatch.hpp>
#endif

int main() {
  constexpr std::ptrdiff_t rows = 37, cols = 101, rank = 5;
  std::vector<float> weights(rows * cols), b(rows * rank), a(rank * cols);
  std::uint32_t state = 1;
  for (auto* const values : {&weights, &b, &a}) {
    for (float& value : *values) {
      state = state * 1664525 + 1013904223;
      value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
    }
  }
  const std::vector<float> base = weights;
  const auto differs = [&] {
    return std::memcmp(weights.data(), base.data(), base.size() * sizeof(float)) != 0;
  };

  const revlora::matrix_view w(weights.data(), rows, cols);
  const revlora::low_rank adapter(revlora::matrix_view(b.data(), rows, rank),
                                  revlora::matrix_view(a.data(), rank, cols), 2.0f);
  revlora::undo_record record;
  revlora::merge(w, adapter, record);
  const bool merged = differs();
  revlora::unmerge(w, adapter, record);
  const bool restored = !differs();

  std::cout << "revlora " << REVLORA_VERSION_MAJOR << '.' << REVLORA_VERSION_MINOR << '.'
            << REVLORA_VERSION_PATCH;
#ifdef REVLORA_DISPATCH
  std::cout << ", by revlora::dispatch for "
            << revlora::dispatch::name_of(revlora::dispatch::chosen());
#else
  std::cout << ", header-only";
#endif
  std::cout << (merged ? ", merged" : ", not merged")
            << (restored ? ", every bit is back\n" : ", bits are lost\n");
  return merged && restored ? 0 : 1;
}
