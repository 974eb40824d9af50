// The verbs, in place and elsewhere.
#include "answer.hpp"
#include "arguments.hpp"
#include "executors.hpp"
#include "handles.hpp"
#include "revlora/merge.hpp"
#include "revlora/state.hpp"
#include "revlora/subtract.hpp"

namespace c = revlora::c;
using revlora::adapter_list;
using revlora::any_const_matrix;
using revlora::any_matrix;
using revlora::undo_record;

namespace {

adapter_list list_of(const revlora_adapters* adapters, const char* name = "the list of adapters") {
  return c::pointed_to(adapters, name).list();
}

template <class Record>  // const, where it is only read
auto& record_of(Record* record) {
  return c::pointed_to(record, "the record").record;
}

/// `verb(W)` in place, or `verb(W, destination)`.
template <class Verb>
auto at(const revlora_matrix* weights, const revlora_matrix* destination, const Verb& verb) {
  const any_matrix w = c::matrix_of(weights, "W");
  if (destination == nullptr) return verb(w);
  return verb(any_const_matrix(w), c::matrix_of(destination, "the destination"));
}

/// What was tried, once the report is written.
revlora::validation reported(revlora::attempt tried, const c::wanted_report& report) {
  if (tried) report.write(tried.report);
  return tried;
}

}  // namespace

revlora_status revlora_merge(const revlora_matrix* weights, const revlora_matrix* destination,
                             const revlora_adapters* adapters, revlora_record* record,
                             const revlora_options* options, revlora_report* report,
                             revlora_error* error) {
  return c::answer(error, [&] {
    const c::wanted_report counts(report);
    const adapter_list list = list_of(adapters);
    return c::perform(options, [&](const auto& executor, revlora::workspace* memory) {
      return at(weights, destination, [&](auto... places) {
        return reported(record != nullptr
                            ? try_merge(places..., list, record->record, executor, memory)
                            : try_merge(places..., list, executor, memory),
                        counts);
      });
    });
  });
}

revlora_status revlora_subtract(const revlora_matrix* weights, const revlora_matrix* destination,
                                const revlora_adapters* adapters, const revlora_options* options,
                                revlora_report* report, revlora_error* error) {
  return c::answer(error, [&] {
    const c::wanted_report counts(report);
    const adapter_list list = list_of(adapters);
    return c::perform(options, [&](const auto& executor, revlora::workspace* memory) {
      return at(weights, destination, [&](auto... places) {
        return reported(try_subtract(places..., list, executor, memory), counts);
      });
    });
  });
}

revlora_status revlora_unmerge(const revlora_matrix* weights, const revlora_matrix* destination,
                               const revlora_adapters* adapters, const revlora_record* record,
                               const revlora_options* options, revlora_error* error) {
  return c::answer(error, [&] {
    const adapter_list list = list_of(adapters);
    const undo_record& from = record_of(record);
    return c::perform(options, [&](const auto& executor, revlora::workspace* memory) {
      return at(weights, destination, [&](auto... places) {
        return try_unmerge(places..., list, from, executor, memory);
      });
    });
  });
}

revlora_status revlora_swap(const revlora_matrix* weights, const revlora_adapters* merged,
                            const revlora_adapters* wanted, revlora_record* record,
                            const revlora_options* options, revlora_report* report,
                            revlora_error* error) {
  return c::answer(error, [&] {
    const c::wanted_report counts(report);
    const any_matrix w = c::matrix_of(weights, "W");
    const adapter_list from = list_of(merged, "the list of merged adapters");
    const adapter_list to = list_of(wanted, "the list of wanted adapters");
    undo_record& place = record_of(record);
    return c::perform(options, [&](const auto& executor, revlora::workspace* memory) {
      return reported(try_swap(w, from, to, place, executor, memory), counts);
    });
  });
}

revlora_status revlora_validate_merge(const revlora_matrix* weights,
                                      const revlora_matrix* destination,
                                      const revlora_adapters* adapters, revlora_error* error) {
  return c::answer(error, [&] {
    const adapter_list list = list_of(adapters);
    return at(weights, destination, [&](auto... places) { return validate(places..., list); });
  });
}

revlora_status revlora_validate_unmerge(const revlora_matrix* weights,
                                        const revlora_matrix* destination,
                                        const revlora_adapters* adapters,
                                        const revlora_record* record,
                                        const revlora_options* options, revlora_error* error) {
  return c::answer(error, [&] {
    const adapter_list list = list_of(adapters);
    const undo_record& from = record_of(record);
    return c::perform(options, [&](const auto& executor, revlora::workspace* memory) {
      return at(weights, destination,
                [&](auto... places) { return validate(places..., list, from, executor, memory); });
    });
  });
}

revlora_status revlora_validate_swap(const revlora_matrix* weights, const revlora_adapters* merged,
                                     const revlora_adapters* wanted, const revlora_record* record,
                                     const revlora_options* options, revlora_error* error) {
  return c::answer(error, [&] {
    const any_matrix w = c::matrix_of(weights, "W");
    const adapter_list from = list_of(merged, "the list of merged adapters");
    const adapter_list to = list_of(wanted, "the list of wanted adapters");
    const undo_record& place = record_of(record);
    return c::perform(options, [&](const auto& executor, revlora::workspace* memory) {
      return validate(w, from, to, place, executor, memory);
    });
  });
}

revlora_status revlora_state_of(const revlora_matrix* weights, const revlora_record* record,
                                const revlora_options* options, revlora_state* state,
                                revlora_error* error) {
  return c::answer(error, [&] {
    const any_matrix w = c::matrix_of(weights, "W");
    const undo_record& of = record_of(record);
    revlora_state& place = c::pointed_to(state, "the place for the state");
    return c::perform(options, [&](const auto& executor, revlora::workspace* memory) {
      place = static_cast<revlora_state>(state_of(w, of, executor, memory));
      return revlora::validation();
    });
  });
}
