// What Python holds: adapters, weights with scales, records.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "revlora/adapter.hpp"
#include "revlora/error.hpp"
#include "revlora/merge_report.hpp"
#include "revlora/undo_record.hpp"
#include "tensor.hpp"

namespace revlora::python {

/// An adapter, and the tensors that its factors lie in.
struct held_adapter {
  adapter update;
  std::vector<tensor> factors;
};

/// Weights of eight bits, and what they are multiplied by to be what they mean.
struct scaled_weights {
  nb::object weights;
  nb::object scales;
};

/// A record, and what the call that filled it did to the weights.
class held_record {
 public:
  /// While there is one, no other call uses the record: Python's lock is released meanwhile.
  class use {
   public:
    explicit use(held_record& of) : of_(&of) {
      if (of.is_in_use_.exchange(true))
        throw invalid_input("revlora: the record is in use by another call");
    }
    use(use&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    ~use() {
      if (of_ != nullptr) of_->is_in_use_ = false;
    }

   private:
    held_record* of_;
  };

  held_record() = default;
  explicit held_record(undo_record filled) : record(std::move(filled)) {}

  /// Throws invalid_input if another call uses it.
  use used() { return use(*this); }

  undo_record record;
  std::optional<merge_report> report;

 private:
  std::atomic<bool> is_in_use_ = false;
};

/// Adapters of a call, which are kept alive even if Python's list of them changes meanwhile.
class adapters_of_call {
 public:
  /// Of one adapter, or of several in the order in which they are added.
  adapters_of_call(nb::handle given, recipe chosen);

  adapter_list list() const { return {adapters_, recipe_}; }

 private:
  std::vector<nb::object> kept_;
  std::vector<adapter> adapters_;
  recipe recipe_;
};

/// Weights of a call: a tensor, or one with scales.
class weights_of_call {
 public:
  static weights_of_call to_read(nb::handle given, const std::string& name);
  static weights_of_call to_write(nb::handle given, const std::string& name);

  const any_matrix& matrix() const { return matrix_; }
  void say_written() const { elements_.say_written(); }

 private:
  weights_of_call(tensor elements, std::optional<tensor> scales);

  tensor elements_;
  std::optional<tensor> scales_;
  any_matrix matrix_;
};

recipe recipe_called(const std::string& name);
/// "weights_changed": what Python calls a reason.
nb::object reason_of(refusal reason);
/// A revlora.Report.
nb::object as_object(const merge_report& report);
/// A revlora.Validation.
nb::object as_object(const validation& found);

/// Makes exceptions of the library Python's.
void translate_errors();
void bind_adapters(nb::module_& module);
void bind_records(nb::module_& module);
void bind_verbs(nb::module_& module);
void bind_many(nb::module_& module);
void bind_checkpoint(nb::module_& module);
void bind_program(nb::module_& module);

}  // namespace revlora::python
