// Random weights and adapters, the same in every run.
#pragma once

#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <revlora/revlora.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "task.hpp"

namespace bench {

using revlora::element_type;

/// Calls `visit` with a zero of a type that is known at run time.
template <class Visit>
auto with_type(element_type type, const Visit& visit) {
  switch (type) {
    case element_type::fp32:
      return visit(float{});
    case element_type::fp16:
      return visit(revlora::f16{});
    case element_type::bf16:
      return visit(revlora::bf16{});
    case element_type::e4m3:
      return visit(revlora::e4m3{});
    case element_type::e5m2:
      return visit(revlora::e5m2{});
  }
  throw std::logic_error("a type that the benchmark does not know");
}

inline constexpr double weight_deviation = 0.02;

/// Normal numbers, the same at every call.
inline std::vector<std::byte> normal(element_type type, std::ptrdiff_t count, double deviation,
                                     unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0.0f, static_cast<float>(deviation));
  std::vector<std::byte> bytes(static_cast<std::size_t>(count) * revlora::size_of(type));
  with_type(type, [&]<class T>(T) {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
      const T value(distribution(generator));
      std::memcpy(bytes.data() + at, &value, sizeof(T));
    }
  });
  return bytes;
}

/// The base that all copies are of. Made once for each size: drawing it takes longer than a merge.
inline const std::vector<std::byte>& base_weights(element_type type, shape s) {
  static std::map<std::pair<element_type, std::ptrdiff_t>, std::vector<std::byte>> bases;
  std::vector<std::byte>& base = bases[{type, s.rows * s.stride}];
  if (base.empty()) base = normal(type, s.rows * s.stride, weight_deviation, 1);
  return base;
}

/// Factors of an adapter whose delta has a given standard deviation.
class random_adapter {
 public:
  explicit random_adapter(const task& t, unsigned seed = 2)
      : random_adapter(t, t.percent > 0 ? t.percent : 1, seed) {}
  random_adapter(const task& t, double percent, unsigned seed)
      : type_(*t.factors),
        size_(t.size),
        rank_(t.rank),
        strength_(percent / 100 * weight_deviation / std::sqrt(static_cast<double>(rank_))),
        b_(normal(type_, size_.rows * rank_, 1, seed)),
        a_(normal(type_, rank_ * size_.cols, 1, seed + 1)) {}

  revlora::low_rank view() const {
    return {revlora::any_const_matrix(b_.data(), type_, size_.rows, rank_),
            revlora::any_const_matrix(a_.data(), type_, rank_, size_.cols), strength_};
  }

 private:
  element_type type_;
  shape size_;
  std::ptrdiff_t rank_;
  double strength_;
  std::vector<std::byte> b_, a_;
};

}  // namespace bench
