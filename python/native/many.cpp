// Exchanges in many matrices, all or none of them.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <functional>

#include "interruption.hpp"
#include "objects.hpp"
#include "revlora/merge.hpp"
#include "revlora/workspace.hpp"
#include "threads.hpp"

namespace revlora::python {

namespace {

/// What is to be done to one matrix: `merged` taken out and `wanted` merged.
struct exchange {
  exchange(std::string called, nb::handle w, nb::handle origin, nb::handle goal,
           nb::handle with_record, const std::optional<std::string>& recipe)
      : name(std::move(called)),
        holder(nb::borrow(with_record)),
        held(nb::cast<held_record&>(with_record)),
        in_use(held.used()),
        weights(weights_of_call::to_write(w, "W")),
        merged(origin, held.record.recipe()),
        wanted(goal, recipe ? recipe_called(*recipe) : held.record.recipe()),
        record(held.record) {}

  bool only_unmerges() const { return wanted.list().empty() && !held.record.empty(); }

  std::string name;
  nb::object holder;
  held_record& held;
  held_record::use in_use;
  weights_of_call weights;
  adapters_of_call merged, wanted;
  undo_record record;  ///< will lead back from `wanted`
  merge_report report;
};

/// With the name of the matrix in front: which one it is, of many.
std::string with_name(const std::string& name, const std::string& text) {
  constexpr std::string_view ours = "revlora: ";
  const std::size_t begin = text.starts_with(ours) ? ours.size() : 0;
  return std::string(ours) + "'" + name + "': " + text.substr(begin);
}

void require(const std::string& name, const validation& found) {
  if (!found) detail::require({found.reason(), with_name(name, found.text())});
}

/// Two that share memory would undo each other's work. Told by the first and last byte.
void require_apart(const std::vector<std::unique_ptr<exchange>>& all) {
  struct place {
    const std::byte *begin, *end;
    const std::string* name;
  };
  std::vector<place> places;
  for (const auto& each : all) {
    const any_matrix& w = each->weights.matrix();
    if (w.rows() == 0 || w.cols() == 0) continue;
    const auto* const begin = static_cast<const std::byte*>(w.data());
    const std::ptrdiff_t last = (w.rows() - 1) * w.row_stride() + (w.cols() - 1) * w.col_stride();
    places.push_back({begin, begin + (last + 1) * std::ptrdiff_t(size_of(w.type())), &each->name});
  }
  const std::less<const std::byte*> before;
  std::sort(places.begin(), places.end(),
            [&](const place& a, const place& b) { return before(a.begin, b.begin); });
  for (std::size_t i = 1; i < places.size(); ++i)
    if (before(places[i].begin, places[i - 1].end))
      throw invalid_input("revlora: '" + *places[i - 1].name + "' and '" + *places[i].name +
                          "' share memory, or one lies between rows of the other: give all "
                          "adapters of a matrix in one list");
}

/// Exchanges that are done from the first to the last, or not at all.
class exchanges {
 public:
  exchanges(std::vector<std::unique_ptr<exchange>> all, int threads)
      : all_(std::move(all)), executor_(executor_of(threads)) {
    require_apart(all_);
    for (const auto& each : all_) {
      require(each->name, validate(each->weights.matrix(), each->merged.list()));
      require(each->name, validate(each->weights.matrix(), each->wanted.list()));
    }
  }

  /// Does them all. Ctrl-C is heeded after each of them.
  void run(bool fills_records) {
    std::size_t done = 0;
    try {
      while (done < all_.size()) {
        {
          const nb::gil_scoped_release released;
          require(all_[done]->name, lead_there(*all_[done]));
        }
        ++done;
        stop_if_interrupted();
      }
    } catch (...) {
      const nb::gil_scoped_release released;
      while (done > 0) lead_back(*all_[--done]);
      throw;
    }
    for (const auto& each : all_) {
      each->weights.say_written();
      if (!fills_records) continue;
      each->held.record = std::move(each->record);
      each->held.report = each->report;
    }
  }

 private:
  validation lead_there(exchange& each) {
    const any_matrix& w = each.weights.matrix();
    if (each.only_unmerges()) {
      validation found = try_unmerge(w, each.merged.list(), each.record, executor_, &memory_);
      if (found) each.record = {};
      return found;
    }
    attempt tried =
        try_swap(w, each.merged.list(), each.wanted.list(), each.record, executor_, &memory_);
    each.report = tried.report;
    return tried;
  }

  /// Refuses nothing: it takes back what has just been done. Nor should it want for memory, since
  /// that of what has been done is kept.
  void lead_back(exchange& each) {
    const any_matrix& w = each.weights.matrix();
    if (each.only_unmerges())
      merge(w, each.merged.list(), executor_, &memory_);
    else if (each.merged.list().empty())
      unmerge(w, each.wanted.list(), each.record, executor_, &memory_);
    else
      swap(w, each.wanted.list(), each.merged.list(), each.record, executor_, &memory_);
  }

  std::vector<std::unique_ptr<exchange>> all_;
  default_executor executor_;
  workspace memory_;
};

void exchange_all(const std::vector<std::string>& names, const nb::list& weights,
                  const nb::list& merged, const nb::list& wanted, const nb::list& records,
                  const std::optional<std::string>& recipe, bool fills_records, int threads) {
  std::vector<std::unique_ptr<exchange>> all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    try {
      all.push_back(std::make_unique<exchange>(names[i], weights[i], merged[i], wanted[i],
                                               records[i], recipe));
    } catch (const invalid_input& error) {
      throw invalid_input(with_name(names[i], error.what()));
    }
  }
  exchanges(std::move(all), threads).run(fills_records);
}

}  // namespace

void bind_many(nb::module_& module) {
  using nb::arg;
  module.def("exchange_all", &exchange_all, arg("names"), arg("weights"), arg("merged"),
             arg("wanted"), arg("records"), arg("recipe").none(), arg("fills_records"),
             arg("threads"));
}

}  // namespace revlora::python
