// What cannot be used is named by validate and refused by the verbs for that reason, with every
// weight as it was.
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "check.hpp"
#include "grid.hpp"
#include "refused.hpp"
#include "sections.hpp"

namespace contract {
namespace {

using revlora::adapter_list;
using revlora::low_rank;
using revlora::matrix_view;
using revlora::refusal;
using revlora::serial;
using revlora::undo_record;
using revlora::validate;
using revlora::validation;

/// Merged weights, the adapters, and the record that leads back.
template <class W>
class merged_scene {
  static constexpr std::ptrdiff_t rows = 18, cols = 70;

 public:
  merged_scene() {
    revlora::merge(w_.view(), list_, record_, serial{});
    as_merged_ = w_;
  }

  void refuses_arguments() {
    const auto w = w_.view();
    const low_rank good = first_.view();
    refuses_weights({nullptr, rows, cols}, "null");
    refuses_weights({w.data, -rows, cols}, "-18");
    refuses_weights({w.data, rows, cols, cols - 1}, "stride");

    const auto b = first_.b.view();
    const auto a = first_.a.view();
    refuses_adapter({matrix_view<float>(), a, 1.0f}, "rank");
    refuses_adapter({matrix_view<float>(nullptr, rows, 3), a, 1.0f}, "null");
    refuses_adapter({b, matrix_view(a.data, 2, cols, a.row_stride), 1.0f}, "rank");
    refuses_adapter({b, matrix_view(a.data, 3, cols - 1, a.row_stride), 1.0f}, "18×69");
    refuses_adapter({b, a, std::numeric_limits<float>::infinity()}, "strength");
    refuses_adapter({b, a, std::numeric_limits<float>::quiet_NaN()}, "strength");
    refuses_adapter(
        {matrix_view<const W>(w.data, rows, 1), matrix_view<const W>(w.data, 1, cols), 1.0f},
        "overlaps");

    const matrix_view<const W> from = w;
    refuses(validate(from, w, good), refusal::invalid_input, "overlaps",
            {[=] { revlora::merge(from, w, good, serial{}); }});
    refuses(w.validate_row_slice(rows, 1), refusal::invalid_input, "slice of 1 rows from 18",
            {[=] { w.row_slice(rows, 1); }});
    refuses(w.validate_column_slice(-1, 1), refusal::invalid_input, "slice of 1 columns from -1",
            {[=] { w.column_slice(-1, 1); }});
    const low_rank wrong(b, matrix_view<const float>(nullptr, 3, cols), 1.0f);
    refuses(validate(w, list_, wrong, record_), refusal::invalid_input, "wanted adapter 0's A",
            {[&] { revlora::swap(w, list_, wrong, record_, serial{}); }});
    CHECK(validate(w, list_), "good input");
    CHECK(validate(w, list_, good, record_), "good input");
    CHECK(validate(from, grid<W>(rows, cols).view(), list_), "good input");
  }

  void refuses_records() {
    const adapter_list all(list_);
    CHECK(validate(w_.view(), all, record_), "good input");
    const undo_record good = record_;
    record_ = undo_record();
    refuses_record(all, refusal::empty_record, "empty");
    record_ = good;

    refuses_record({list_, revlora::recipe::rounded_delta}, refusal::other_recipe, "rounded_delta");
    refuses_record(list_[0], refusal::other_count, "2 adapters");
    refuses_record({list_[1], list_[0]}, refusal::other_order, "order");
    const low_rank stronger(first_.b.view(), first_.a.view(), 0.5f);
    refuses_record({stronger, list_[1]}, refusal::other_strength, "0.25, not 0.5");
    refuses_record({list_[0], list_[0]}, refusal::other_adapter, "adapter 1");

    const auto full = w_.view();
    const matrix_view<W> fewer_rows(full.data, rows - 1, cols, full.row_stride);
    const grid<float> b(rows - 1, 1), a(1, cols);
    const low_rank fitting(b.view(), a.view(), 1.0f);
    refuses_on(fewer_rows, {fitting, fitting}, refusal::other_shape, "18×70");
    using other = std::conditional_t<std::is_same_v<W, float>, revlora::bf16, float>;
    grid<other> foreign(rows, cols);
    refuses_on(foreign.view(), all, refusal::other_type,
               revlora::name_of(revlora::element_type_of<other>));
  }

  void refuses_changed_weights() {
    const adapter_list all(list_);
    std::byte& somewhere = w_.bytes()[w_.bytes().size() / 2];
    const std::byte before = somewhere;
    somewhere ^= std::byte{1};
    as_merged_ = w_;
    refuses_record(all, refusal::weights_changed, "changed since");
    somewhere = before;
    revlora::unmerge(w_.view(), all, record_, serial{});
    as_merged_ = w_;
    refuses_record(all, refusal::already_unmerged, "unmerged already");
    revlora::merge(w_.view(), all, record_, serial{});
    as_merged_ = w_;
  }

  void refuses_bytes() {
    const std::vector<std::byte> good = record_.to_bytes();
    CHECK(undo_record::validate(good), "good input");
    std::vector<std::byte> bytes(good.begin(), good.end() - 1);
    refuses_bytes(bytes, refusal::truncated);
    refuses_bytes({}, refusal::truncated);
    bytes = good;
    bytes[0] ^= std::byte{0x20};
    refuses_bytes(bytes, refusal::not_a_record);
    bytes = good;
    bytes[bytes.size() / 2] ^= std::byte{0x20};
    refuses_bytes(bytes, refusal::damaged);
  }

 private:
  /// `found` is bad for this reason, in words that name it, and every call ends by it.
  using call = std::function<void()>;

  void refuses(const validation& found, refusal reason, const std::string& named,
               std::initializer_list<call> calls) {
    CHECK(!found && !found.ok(), named);
    CHECK(found.reason() == reason, named);
    CHECK(found.text().find(named) != std::string::npos, named + " in: " + found.text());
    for (const call& ends : calls) {
      ends_by(found, ends, named);
      CHECK_SAME_BYTES(as_merged_.bytes(), w_.bytes(), named);
    }
  }

  void refuses_weights(matrix_view<W> w, const std::string& named) {
    refuses(validate(w, list_), refusal::invalid_input, named,
            {[&] { revlora::merge(w, list_, serial{}); },
             [&] { revlora::subtract(w, list_, serial{}); }});
  }
  void refuses_adapter(const low_rank& adapter, const std::string& named) {
    const auto w = w_.view();
    refuses(validate(w, adapter), refusal::invalid_input, named,
            {[&] { revlora::merge(w, adapter, serial{}); },
             [&] { revlora::subtract(w, adapter, serial{}); }});
  }
  template <class T>
  void refuses_on(matrix_view<T> w, adapter_list adapters, refusal reason,
                  const std::string& named) {
    refuses(validate(w, adapters, record_, serial{}), reason, named,
            {[&] { revlora::unmerge(w, adapters, record_, serial{}); },
             [&] { revlora::detail::require(revlora::validate(w, adapters, record_, serial{})); },
             [&] { revlora::swap(w, adapters, {}, record_, serial{}); }});
  }
  void refuses_record(adapter_list adapters, refusal reason, const std::string& named) {
    refuses_on(w_.view(), adapters, reason, named);
  }
  void refuses_bytes(const std::vector<std::byte>& bytes, refusal reason) {
    refuses(undo_record::validate(bytes), reason, "record",
            {[&] { undo_record::from_bytes(bytes); }});
  }

  numbers random_{1};
  grid<W> w_{random_, pattern::ordinary, rows, cols, 2};
  factors<float> first_{random_, pattern::ordinary, rows, cols, 3, 0.25f};
  factors<revlora::bf16> second_{random_, pattern::ordinary, rows, cols, 2, -0.5f};
  std::vector<low_rank> list_{first_.view(), second_.view()};
  undo_record record_;
  grid<W> as_merged_ = w_;
};

template <class W>
void refuses_all() {
  merged_scene<W> scene;
  scene.refuses_arguments();
  scene.refuses_records();
  scene.refuses_changed_weights();
  scene.refuses_bytes();
}

}  // namespace

void bad_input() {
  refuses_all<float>();
  refuses_all<revlora::f16>();
  refuses_all<revlora::bf16>();
}

}  // namespace contract
