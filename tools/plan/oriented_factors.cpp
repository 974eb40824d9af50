#include "plan/oriented_factors.hpp"

#include <algorithm>

namespace revlora::tool {

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
  const auto matrix = matrix_of(weight.dtype, stored);
  if (!matrix) return {};
  return orientation{matrix->rows, matrix->cols, turned && (!plain || fan_in_fan_out)};
}

oriented_factors::oriented_factors(const peft_adapter& adapter, const module_factors& factors,
                                   const orientation& where, float strength)
    : type_(*factors.a->type()),
      rank_(static_cast<std::ptrdiff_t>(factors.rank())),
      where_(where),
      strength_(strength),
      b_(adapter.bytes_of(*factors.b)),
      a_(adapter.bytes_of(*factors.a)) {
}

low_rank oriented_factors::view() const {
  std::optional<low_rank> view;
  with_element(type_, [&]<class T>() {
    const std::ptrdiff_t out = where_.transposed ? where_.cols : where_.rows,
                         in = where_.transposed ? where_.rows : where_.cols;
    view.emplace(matrix_view<const T>(reinterpret_cast<const T*>(b_.data()), out, rank_),
                 matrix_view<const T>(reinterpret_cast<const T*>(a_.data()), rank_, in), strength_);
  });
  return where_.transposed ? view->transposed() : *view;
}

}  // namespace revlora::tool
