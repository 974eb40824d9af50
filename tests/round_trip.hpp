// A recorded merge and back, on every path of this machine: the same merged bits as without a
// record, the same record everywhere, each path undoes what the others did, and no weight is an
// exception: those would hide what is wrong with the code.
#pragma once

#include "executors.hpp"
#include "paths.hpp"
#include "record_panels.hpp"
#include "values.hpp"

namespace tests {

inline bool has_exceptions(const revlora::undo_record& record) {
  return std::ranges::any_of(panels_of(record),
                             [](const auto& panel) { return panel.has_exceptions; });
}

/// `with_oracle` also compares the merged bits with the oracle's (slow).
template <class W>
testing::AssertionResult round_trips(const matrix<W>& base, revlora::adapter_list adapters,
                                     bool with_oracle = true, const runner& on = on_this_thread()) {
  matrix<W> expected = base;
  revlora::undo_record first;
  revlora::merge_report report;
  bool is_first = true;
  for (const path<W>& p : paths<W>()) {
    const auto failed = [&](const char* what, const testing::AssertionResult& why) {
      return testing::AssertionFailure() << p.name << ", " << what << ": " << why.message();
    };
    matrix<W> w = base;
    const revlora::merge_report here = p.merge(w.view(), adapters, on);
    if (is_first) {
      report = here;
      expected = w;
      if (with_oracle) {
        matrix<W> reference = base;
        report = oracle::merge(reference.view(), adapters);
        expected = reference;
      }
    }
    if (auto same = same_bits(expected, w); !same) return failed("merged", same);
    if (auto same = same_report(report, here); !same) return failed("merged", same);

    revlora::undo_record record;
    w = base;
    const revlora::merge_report recorded = p.merge_recorded(w.view(), adapters, record, on);
    if (auto same = same_bits(expected, w); !same) return failed("merged with a record", same);
    if (auto same = same_report(report, recorded); !same) return failed("with a record", same);
    if (is_first) first = revlora::undo_record::from_bytes(record.bytes());
    if (auto same = same_bytes(first.bytes(), record.bytes()); !same) return failed("record", same);

    if (has_exceptions(record))
      return failed("record", testing::AssertionFailure() << "exceptions");

    if (const auto found = p.validate(w.view(), adapters, first, on); !found)
      return testing::AssertionFailure() << p.name << ": " << found.text();
    p.restore(w.view(), adapters, first, on);  // the first path's record, through its bytes
    if (auto same = same_bits(base, w); !same) return failed("restored", same);
    is_first = false;
  }
  return testing::AssertionSuccess();
}

}  // namespace tests
