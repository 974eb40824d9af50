// What a user's file may call, for the warnings that it would see.
#include <revlora/revlora.hpp>
#include <vector>

template <class T>
revlora::merge_report use(std::vector<T>& weights, std::vector<float>& factors) {
  const revlora::matrix_view w(weights, 16, 64);
  const revlora::matrix_view<const float> b(factors.data(), 16, 2), a(factors.data(), 2, 64);
  const revlora::low_rank first(b, a, 0.5f);
  const revlora::hadamard second({b, a}, {b, a}, 2.0);
  revlora::undo_record record;
  revlora::merge_report report = revlora::merge(w, {first, second}, record);
  report = revlora::swap(w, {first, second}, first, record);
  if (revlora::state_of(w, record) == revlora::weights_state::merged)
    revlora::unmerge(w, first, record);
  revlora::workspace kept;
  report = revlora::merge(w, second, revlora::default_executor{}, &kept);
  report = revlora::subtract(w, second);
  return report;
}

revlora::merge_report use_all(std::vector<float>& factors) {
  std::vector<float> fp32(1024);
  std::vector<revlora::f16> fp16(1024);
  std::vector<revlora::bf16> bf16(1024);
  use(fp32, factors);
  use(fp16, factors);
  return use(bf16, factors);
}
