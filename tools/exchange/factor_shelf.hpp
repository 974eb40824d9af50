// The factors of one tensor: each is read when a part of the tensor needs it, and there as long as
// one does, or the part that asked last did. Several threads may ask at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "plan/factor_source.hpp"
#include "undo/undo_content.hpp"

namespace revlora::tool {

/// The factors that a part of a tensor needs, and what the library sees of them.
struct factors_in_use {
  std::vector<std::shared_ptr<const loaded_factors>> loaded;
  std::vector<low_rank> views;
};

class factor_shelf {
 public:
  using reader = std::function<loaded_factors(std::size_t)>;
  explicit factor_shelf(reader read) : read_(std::move(read)) {}

  /// What is added to `rows` rows of a tensor by these updates, in their order.
  factors_in_use take(const std::vector<window_update>& updates, std::uint64_t rows);
  /// No other part will ask.
  void let_go();

 private:
  std::shared_ptr<const loaded_factors> take(std::size_t number);

  reader read_;
  std::mutex mutex_;
  std::map<std::size_t, std::weak_ptr<const loaded_factors>> loaded_;
  std::vector<std::shared_ptr<const loaded_factors>> last_;
};

}  // namespace revlora::tool
