#include "oriented_factors.hpp"

#include <numeric>

namespace revlora::tool {

namespace {

std::vector<std::byte> copied(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> transposed(std::span<const std::byte> bytes, std::size_t rows,
                                  std::size_t cols, std::size_t element_bytes) {
  std::vector<std::byte> turned(bytes.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < cols; ++j) {
      std::memcpy(turned.data() + (j * rows + i) * element_bytes,
                  bytes.data() + (i * cols + j) * element_bytes, element_bytes);
    }
  }
  return turned;
}

}  // namespace

std::optional<orientation> orient(const module_factors& factors, const tensor& weight,
                                  bool fan_in_fan_out) {
  const auto& stored = weight.shape;
  const auto& a = factors.a->shape;
  if (stored.size() != a.size()) return {};
  const std::uint64_t out = factors.b->shape[0];
  const bool same_tail = std::equal(a.begin() + 1, a.end(), stored.begin() + 1);
  const bool plain = factors.kind != layer_kind::embedding && stored[0] == out && same_tail;
  const bool turned =
      factors.kind != layer_kind::convolution && stored[0] == a[1] && stored[1] == out;
  if (!plain && !turned) return {};
  const std::uint64_t cols = std::accumulate(stored.begin() + 1, stored.end(), std::uint64_t{1},
                                             std::multiplies<std::uint64_t>());
  return orientation{static_cast<std::ptrdiff_t>(stored[0]), static_cast<std::ptrdiff_t>(cols),
                     turned && (!plain || fan_in_fan_out)};
}

oriented_factors::oriented_factors(const peft_adapter& adapter, const module_factors& factors,
                                   const orientation& where, float strength)
    : type_(*factors.a->type()),
      where_(where),
      rank_(static_cast<std::ptrdiff_t>(factors.rank())),
      strength_(strength) {
  const auto a = adapter.bytes_of(*factors.a);
  const auto b = adapter.bytes_of(*factors.b);
  if (where.transposed) {  // (B·A)ᵀ = Aᵀ·Bᵀ, with the same products
    const std::size_t size = size_of(type_);
    b_ = transposed(a, factors.rank(), static_cast<std::size_t>(where.rows), size);
    a_ = transposed(b, static_cast<std::size_t>(where.cols), factors.rank(), size);
  } else {
    b_ = copied(b);
    a_ = copied(a);
  }
}

low_rank oriented_factors::view() const {
  std::optional<low_rank> view;
  with_element(type_, [&]<class T>() {
    view.emplace(matrix_view<const T>(reinterpret_cast<const T*>(b_.data()), where_.rows, rank_),
                 matrix_view<const T>(reinterpret_cast<const T*>(a_.data()), rank_, where_.cols),
                 strength_);
  });
  return *view;
}

}  // namespace revlora::tool
