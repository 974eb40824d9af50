#include <nanobind/stl/string.h>

#include "objects.hpp"
#include "revlora/hadamard.hpp"
#include "revlora/low_rank.hpp"

namespace revlora::python {

namespace {

held_adapter* make_low_rank(nb::handle b, nb::handle a, double strength) {
  std::vector<tensor> factors{tensor::to_read(b, "B"), tensor::to_read(a, "A")};
  const low_rank update(factors[0].matrix(), factors[1].matrix(), strength);
  return new held_adapter{update, std::move(factors)};
}

held_adapter make_hadamard(const nb::tuple& first, const nb::tuple& second, double strength) {
  if (first.size() != 2 || second.size() != 2)
    throw invalid_input("revlora: each product of hadamard is a pair (B, A)");
  std::vector<tensor> factors{
      tensor::to_read(first[0], "the first B"), tensor::to_read(first[1], "the first A"),
      tensor::to_read(second[0], "the second B"), tensor::to_read(second[1], "the second A")};
  const hadamard update({factors[0].matrix(), factors[1].matrix()},
                        {factors[2].matrix(), factors[3].matrix()}, strength);
  return {update, std::move(factors)};
}

std::string describe(const held_adapter& held) {
  const any_const_matrix b = held.update.factor(0), a = held.update.factor(1);
  const bool is_low_rank = held.update.family() == family::low_rank;
  return std::string(is_low_rank ? "<revlora.Adapter " : "<revlora.Adapter, Hadamard, ") +
         std::to_string(b.rows()) + "×" + std::to_string(a.cols()) + " of rank " +
         std::to_string(b.cols()) + ", " + name_of(held.update.type()) + ", strength " +
         nb::cast<std::string>(nb::str(nb::float_(held.update.strength()))) + ">";
}

}  // namespace

adapters_of_call::adapters_of_call(nb::handle given, recipe chosen) : recipe_(chosen) {
  const auto keep = [&](nb::handle each) {
    if (!nb::isinstance<held_adapter>(each))
      throw invalid_input("revlora: adapters are revlora.Adapter, or a sequence of them, not " +
                          nb::cast<std::string>(nb::str(nb::getattr(each.type(), "__name__"))));
    kept_.push_back(nb::borrow(each));
    adapters_.push_back(nb::cast<const held_adapter&>(each).update);
  };
  if (nb::isinstance<held_adapter>(given) || !nb::isinstance<nb::sequence>(given)) {
    keep(given);
  } else {
    for (nb::handle each : nb::borrow<nb::sequence>(given)) keep(each);
  }
}

weights_of_call::weights_of_call(tensor elements, std::optional<tensor> scales)
    : elements_(std::move(elements)), scales_(std::move(scales)), matrix_(elements_.matrix()) {
  if (scales_) matrix_ = matrix_.scaled_by(scales_->matrix());
}

weights_of_call weights_of_call::to_read(nb::handle given, const std::string& name) {
  if (!nb::isinstance<scaled_weights>(given)) return {tensor::to_read(given, name), std::nullopt};
  const auto& scaled = nb::cast<const scaled_weights&>(given);
  return {tensor::to_read(scaled.weights, name),
          tensor::to_read(scaled.scales, "the scales of " + name)};
}

weights_of_call weights_of_call::to_write(nb::handle given, const std::string& name) {
  if (!nb::isinstance<scaled_weights>(given)) return {tensor::to_write(given, name), std::nullopt};
  const auto& scaled = nb::cast<const scaled_weights&>(given);
  return {tensor::to_write(scaled.weights, name),
          tensor::to_read(scaled.scales, "the scales of " + name)};
}

recipe recipe_called(const std::string& name) {
  for (const recipe each : {recipe::fused, recipe::rounded_delta, recipe::nan})
    if (name == name_of(each)) return each;
  throw invalid_input("revlora: recipe is fused, rounded_delta or nan, not '" + name + "'");
}

void bind_adapters(nb::module_& module) {
  nb::class_<held_adapter>(module, "Adapter")
      .def(
          "__init__",
          [](held_adapter* at, nb::handle b, nb::handle a, double strength) {
            const std::unique_ptr<held_adapter> made(make_low_rank(b, a, strength));
            new (at) held_adapter(std::move(*made));
          },
          nb::arg("b").none(), nb::arg("a").none(), nb::arg("strength"))
      .def_static("hadamard", &make_hadamard, nb::arg("first"), nb::arg("second"),
                  nb::arg("strength"))
      .def("transposed",
           [](const held_adapter& held) {
             return held_adapter{held.update.transposed(), held.factors};
           })
      .def_prop_ro("strength", [](const held_adapter& held) { return held.update.strength(); })
      .def_prop_ro("dtype", [](const held_adapter& held) { return name_of(held.update.type()); })
      .def("__repr__", &describe);

  nb::class_<scaled_weights>(module, "Scaled")
      .def(nb::init<nb::object, nb::object>(), nb::arg("weights"), nb::arg("scales"))
      .def_ro("weights", &scaled_weights::weights)
      .def_ro("scales", &scaled_weights::scales);
}

}  // namespace revlora::python
