#include "exchange/factor_shelf.hpp"

namespace revlora::tool {

factors_in_use factor_shelf::take(const std::vector<window_update>& updates, std::uint64_t rows) {
  const std::lock_guard lock(mutex_);
  factors_in_use taken;
  for (const window_update& each : updates) {
    taken.loaded.push_back(take(each.factors));
    taken.views.push_back(taken.loaded.back()->view().row_slice(
        static_cast<std::ptrdiff_t>(each.first_row), static_cast<std::ptrdiff_t>(rows)));
  }
  last_ = taken.loaded;
  return taken;
}

void factor_shelf::let_go() {
  const std::lock_guard lock(mutex_);
  last_.clear();
}

std::shared_ptr<const loaded_factors> factor_shelf::take(std::size_t number) {
  std::weak_ptr<const loaded_factors>& known = loaded_[number];
  if (auto there = known.lock()) return there;
  auto made = std::make_shared<const loaded_factors>(read_(number));
  known = made;
  return made;
}

}  // namespace revlora::tool
