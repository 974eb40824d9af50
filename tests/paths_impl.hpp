// Instantiates the library for one weight type on every instruction set; see paths_*.cpp.
#pragma once

#include "paths.hpp"

namespace tests {

template <class W, class Arch>
const path<W>& path_of() {
  using view = revlora::matrix_view<W>;
  using source = revlora::matrix_view<const W>;
  using list = revlora::adapter_list;
  using revlora::undo_record;
  static const path<W> verbs{
      .name = arch_traits<Arch>::name(),
      .runs_here = arch_traits<Arch>::runs_here(),
      .merge = [](view w, list a, const runner& on) { return revlora::merge<Arch>(w, a, on); },
      .merge_recorded = [](view w, list a, undo_record& r,
                           const runner& on) { return revlora::merge<Arch>(w, a, r, on); },
      .subtract = [](view w, list a,
                     const runner& on) { return revlora::subtract<Arch>(w, a, on); },
      .restore = [](view w, list a, const undo_record& r,
                    const runner& on) { revlora::unmerge<Arch>(w, a, r, on); },
      .validate = [](source w, list a, const undo_record& r,
                     const runner& on) { return revlora::validate<Arch>(w, a, r, on); },
      .swap = [](view w, list merged, list wanted, undo_record& r,
                 const runner& on) { return revlora::swap<Arch>(w, merged, wanted, r, on); },
      .merge_to = [](source x, view y, list a,
                     const runner& on) { return revlora::merge<Arch>(x, y, a, on); },
      .merge_recorded_to = [](source x, view y, list a, undo_record& r,
                              const runner& on) { return revlora::merge<Arch>(x, y, a, r, on); },
      .subtract_to = [](source y, view x, list a,
                        const runner& on) { return revlora::subtract<Arch>(y, x, a, on); },
      .restore_to = [](source y, view x, list a, const undo_record& r,
                       const runner& on) { revlora::unmerge<Arch>(y, x, a, r, on); },
  };
  return verbs;
}

}  // namespace tests
