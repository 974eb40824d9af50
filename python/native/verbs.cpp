// The verbs on one matrix. Python's lock is released while the library works.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include "interruption.hpp"
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

/// What a verb writes: the weights, or a place elsewhere for the result.
class call {
 public:
  call(nb::handle weights, nb::handle out, int threads)
      : executor(executor_of(threads)),
        is_in_place(out.is_none()),
        from(is_in_place ? weights_of_call::to_write(weights, "W")
                         : weights_of_call::to_read(weights, "W")),
        to(is_in_place ? from : weights_of_call::to_write(out, "out")) {}

  /// Does a verb that nothing leads back.
  template <class Verb>
  auto run(const Verb& verb) const {
    return run(verb, [](const any_matrix&) {});
  }
  /// Does `verb` with Python's lock released; where Ctrl-C came meanwhile, also `its_inverse`, if
  /// that was in place.
  template <class Verb, class Inverse>
  auto run(const Verb& verb, const Inverse& its_inverse) const {
    const auto done = unlocked(
        [&] { return is_in_place ? verb(to.matrix()) : verb(from.matrix(), to.matrix()); });
    to.say_written();
    try {
      stop_if_interrupted();
    } catch (...) {
      if (is_in_place) unlocked([&] { its_inverse(to.matrix()); });
      throw;
    }
    return done;
  }

  default_executor executor;

 private:
  bool is_in_place;
  weights_of_call from, to;
};

std::unique_ptr<held_record> merge_with_record(nb::handle weights, nb::handle given,
                                               const std::string& recipe, nb::handle out,
                                               int threads) {
  const adapters_of_call adapters(given, recipe_called(recipe));
  const call here(weights, out, threads);
  auto made = std::make_unique<held_record>();
  undo_record& record = made->record;
  made->report = here.run(
      [&](auto... places) { return merge(places..., adapters.list(), record, here.executor); },
      [&](auto place) { unmerge(place, adapters.list(), record, here.executor); });
  return made;
}

nb::object merge_for_good(nb::handle weights, nb::handle given, const std::string& recipe,
                          nb::handle out, int threads) {
  const adapters_of_call adapters(given, recipe_called(recipe));
  const call here(weights, out, threads);
  return as_object(
      here.run([&](auto... places) { return merge(places..., adapters.list(), here.executor); }));
}

nb::object subtract_rounded(nb::handle weights, nb::handle given, const std::string& recipe,
                            nb::handle out, int threads) {
  const adapters_of_call adapters(given, recipe_called(recipe));
  const call here(weights, out, threads);
  return as_object(here.run(
      [&](auto... places) { return subtract(places..., adapters.list(), here.executor); }));
}

void unmerge_exactly(nb::handle weights, nb::handle given, held_record& held, nb::handle out,
                     int threads) {
  const auto in_use = held.used();
  const adapters_of_call adapters(given, held.record.recipe());
  const call here(weights, out, threads);
  here.run(
      [&](auto... places) {
        unmerge(places..., adapters.list(), held.record, here.executor);
        return true;
      },
      [&](auto place) { merge(place, adapters.list(), here.executor); });
}

nb::object swap_exactly(nb::handle weights, nb::handle given_merged, nb::handle given_wanted,
                        held_record& held, const std::optional<std::string>& recipe, int threads) {
  const auto in_use = held.used();
  const adapters_of_call merged(given_merged, held.record.recipe());
  const adapters_of_call wanted(given_wanted,
                                recipe ? recipe_called(*recipe) : held.record.recipe());
  const call here(weights, nb::none(), threads);
  undo_record record = held.record;
  const merge_report report = here.run(
      [&](auto place, auto...) {
        return swap(place, merged.list(), wanted.list(), record, here.executor);
      },
      [&](auto place) { swap(place, wanted.list(), merged.list(), record, here.executor); });
  held.record = std::move(record);
  held.report = report;
  return as_object(report);
}

nb::object validate_merge(nb::handle weights, nb::handle given, const std::string& recipe) {
  const adapters_of_call adapters(given, recipe_called(recipe));
  return as_object(validate(weights_of_call::to_write(weights, "W").matrix(), adapters.list()));
}

nb::object validate_unmerge(nb::handle weights, nb::handle given, held_record& held, int threads) {
  const auto in_use = held.used();
  const adapters_of_call adapters(given, held.record.recipe());
  const auto executor = executor_of(threads);
  const auto w = weights_of_call::to_read(weights, "W");
  return as_object(
      unlocked([&] { return validate(w.matrix(), adapters.list(), held.record, executor); }));
}

const char* find_state(nb::handle weights, held_record& held, int threads) {
  const auto in_use = held.used();
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
