// The verbs on one matrix. Python's lock is released while the library works.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include "objects.hpp"
#include "revlora/merge.hpp"
#include "revlora/state.hpp"
#include "revlora/subtract.hpp"
#include "threads.hpp"

namespace revlora::python {

namespace {

template <class Work>
auto unlocked(const Work& work) {
  const nb::gil_scoped_release released;
  return work();
}

/// Does a verb in place, or from the weights to a destination, which is not None then.
template <class Verb>
auto in_place_or_to(nb::handle weights, nb::handle out, const Verb& verb) {
  if (out.is_none()) {
    const auto w = weights_of_call::to_write(weights, "W");
    return verb(w, w.matrix());
  }
  const auto from = weights_of_call::to_read(weights, "W");
  const auto to = weights_of_call::to_write(out, "out");
  return verb(to, from.matrix(), to.matrix());
}

std::unique_ptr<held_record> merge_with_record(nb::handle weights, nb::handle given,
                                               const std::string& recipe, nb::handle out,
                                               int threads) {
  const adapters_of_call adapters(given, recipe_called(recipe));
  const auto executor = executor_of(threads);
  auto made = std::make_unique<held_record>();
  in_place_or_to(weights, out, [&](const weights_of_call& written, auto... matrices) {
    made->report =
        unlocked([&] { return merge(matrices..., adapters.list(), made->record, executor); });
    written.say_written();
  });
  return made;
}

nb::object merge_for_good(nb::handle weights, nb::handle given, const std::string& recipe,
                          nb::handle out, int threads) {
  const adapters_of_call adapters(given, recipe_called(recipe));
  const auto executor = executor_of(threads);
  return in_place_or_to(weights, out, [&](const weights_of_call& written, auto... matrices) {
    const merge_report report =
        unlocked([&] { return merge(matrices..., adapters.list(), executor); });
    written.say_written();
    return as_object(report);
  });
}

nb::object subtract_rounded(nb::handle weights, nb::handle given, const std::string& recipe,
                            nb::handle out, int threads) {
  const adapters_of_call adapters(given, recipe_called(recipe));
  const auto executor = executor_of(threads);
  return in_place_or_to(weights, out, [&](const weights_of_call& written, auto... matrices) {
    const merge_report report =
        unlocked([&] { return subtract(matrices..., adapters.list(), executor); });
    written.say_written();
    return as_object(report);
  });
}

void unmerge_exactly(nb::handle weights, nb::handle given, held_record& held, nb::handle out,
                     int threads) {
  const auto lock = held.used();
  const adapters_of_call adapters(given, held.record.recipe());
  const auto executor = executor_of(threads);
  in_place_or_to(weights, out, [&](const weights_of_call& written, auto... matrices) {
    unlocked([&] { unmerge(matrices..., adapters.list(), held.record, executor); });
    written.say_written();
  });
}

nb::object swap_exactly(nb::handle weights, nb::handle given_merged, nb::handle given_wanted,
                        held_record& held, const std::optional<std::string>& recipe, int threads) {
  const auto lock = held.used();
  const adapters_of_call merged(given_merged, held.record.recipe());
  const adapters_of_call wanted(given_wanted,
                                recipe ? recipe_called(*recipe) : held.record.recipe());
  const auto executor = executor_of(threads);
  const auto w = weights_of_call::to_write(weights, "W");
  held.report = unlocked(
      [&] { return swap(w.matrix(), merged.list(), wanted.list(), held.record, executor); });
  w.say_written();
  return as_object(*held.report);
}

nb::object validate_merge(nb::handle weights, nb::handle given, const std::string& recipe) {
  const adapters_of_call adapters(given, recipe_called(recipe));
  return as_object(validate(weights_of_call::to_write(weights, "W").matrix(), adapters.list()));
}

nb::object validate_unmerge(nb::handle weights, nb::handle given, held_record& held, int threads) {
  const auto lock = held.used();
  const adapters_of_call adapters(given, held.record.recipe());
  const auto executor = executor_of(threads);
  const auto w = weights_of_call::to_read(weights, "W");
  return as_object(
      unlocked([&] { return validate(w.matrix(), adapters.list(), held.record, executor); }));
}

const char* find_state(nb::handle weights, held_record& held, int threads) {
  const auto lock = held.used();
  const auto executor = executor_of(threads);
  const auto w = weights_of_call::to_read(weights, "W");
  switch (unlocked([&] { return state_of(w.matrix(), held.record, executor); })) {
    case weights_state::base:
      return "base";
    case weights_state::merged:
      return "merged";
    case weights_state::other:
      break;
  }
  return "other";
}

}  // namespace

void bind_verbs(nb::module_& module) {
  using nb::arg;
  module.def("merge", &merge_with_record, arg("weights").none(), arg("adapters").none(),
             arg("recipe"), arg("out").none(), arg("threads"));
  module.def("merge_for_good", &merge_for_good, arg("weights").none(), arg("adapters").none(),
             arg("recipe"), arg("out").none(), arg("threads"));
  module.def("subtract", &subtract_rounded, arg("weights").none(), arg("adapters").none(),
             arg("recipe"), arg("out").none(), arg("threads"));
  module.def("unmerge", &unmerge_exactly, arg("weights").none(), arg("adapters").none(),
             arg("record"), arg("out").none(), arg("threads"));
  module.def("swap", &swap_exactly, arg("weights").none(), arg("merged").none(),
             arg("wanted").none(), arg("record"), arg("recipe").none(), arg("threads"));
  module.def("validate_merge", &validate_merge, arg("weights").none(), arg("adapters").none(),
             arg("recipe"));
  module.def("validate_unmerge", &validate_unmerge, arg("weights").none(), arg("adapters").none(),
             arg("record"), arg("threads"));
  module.def("state_of", &find_state, arg("weights").none(), arg("record"), arg("threads"));
}

}  // namespace revlora::python
