// Arguments that cannot be used are refused by name, by every verb, before W is touched.
#include <type_traits>

#include "paths.hpp"
#include "refusal.hpp"

namespace tests {
namespace {

using revlora::invalid_input;
using revlora::low_rank;
static_assert(std::is_base_of_v<std::invalid_argument, invalid_input>);
static_assert(std::is_base_of_v<invalid_input, revlora::record_refused>);

using factor = revlora::matrix_view<const float>;

template <class W>
class InputRefusal : public testing::Test {
 protected:
  using view = revlora::matrix_view<W>;

  engine random{1};
  matrix<W> w = random_matrix<W>(random, 6, 9, kind::normal, 1);
  factors<float> good = random_factors<float>(random, 6, 9, 4, kind::normal, 1, 1);
  factor b = good.b.view();
  factor a = good.a.view();

  /// All verbs refuse alike; the record stays.
  testing::AssertionResult all_refuse(view weights, revlora::adapter_list adapters,
                                      const std::string& pattern) {
    matrix<W> merged = w;
    revlora::undo_record record;
    revlora::merge(merged.view(), good.view(), record);
    const revlora::undo_record before = record;
    const matrix<W> from = w;
    const std::function<void()> calls[] = {
        [&] { revlora::merge(weights, adapters); },
        [&] { revlora::merge(weights, adapters, record); },
        [&] { revlora::subtract(weights, adapters); },
        [&] { revlora::unmerge(weights, adapters, record); },
        [&] { revlora::detail::require(revlora::validate(weights, adapters, record)); },
        [&] { revlora::swap(weights, adapters, {}, record); },
        [&] { revlora::swap(weights, good.view(), adapters, record); },
        [&] { revlora::merge(from.view(), weights, adapters); },
        [&] { revlora::merge(from.view(), weights, adapters, record); },
        [&] { revlora::subtract(from.view(), weights, adapters); },
        [&] { revlora::unmerge(from.view(), weights, adapters, record); },
    };
    for (std::size_t i = 0; i < std::size(calls); ++i) {
      auto refused = refuses<invalid_input>(w, pattern, calls[i]);
      if (!refused) return refused << " (call " << i << ")";
    }
    const revlora::validation found[] = {revlora::validate(weights, adapters),
                                         revlora::validate(from.view(), weights, adapters),
                                         revlora::validate(weights, adapters, record),
                                         revlora::validate(from.view(), weights, adapters, record),
                                         revlora::validate(weights, good.view(), adapters, record)};
    for (const revlora::validation& each : found)
      if (auto refused = refuses<invalid_input>(w, pattern, each); !refused) return refused;
    return same_bytes(before.bytes(), record.bytes());
  }
  testing::AssertionResult all_refuse(view weights, const std::string& pattern) {
    auto refused = refuses<invalid_input>(
        w, pattern, [&] { revlora::state_of(weights, revlora::undo_record()); });
    if (!refused) return refused << " (state_of)";
    return all_refuse(weights, good.view(), pattern);
  }
  testing::AssertionResult all_refuse(const low_rank& adapter, const std::string& pattern) {
    return all_refuse(w.view(), adapter, pattern);
  }
};
TYPED_TEST_SUITE(InputRefusal, weight_types, weight_name);

#define REFUSES(...) EXPECT_TRUE(this->all_refuse(__VA_ARGS__))

TYPED_TEST(InputRefusal, OfNullData) {
  REFUSES(typename TestFixture::view(nullptr, 6, 9), "W.*null|null.*W");
  REFUSES(low_rank(factor(nullptr, 6, 4), this->a, 1.0f), "B.*null|null.*B");
  REFUSES(low_rank(this->b, factor(nullptr, 4, 9), 1.0f), "A.*null|null.*A");
}

TYPED_TEST(InputRefusal, OfNegativeExtents) {
  REFUSES(typename TestFixture::view(this->w.data(), -6, 9), "-6");
  REFUSES(typename TestFixture::view(this->w.data(), 6, -9, 12), "-9");
  REFUSES(low_rank(factor(this->b.data, 6, -4, 9), factor(this->a.data, -4, 9), 1.0f), "-4");
  REFUSES(low_rank(factor(this->b.data, -6, 4), this->a, 1.0f), "-6");
  REFUSES(low_rank(this->b, factor(this->a.data, 4, -9, 11), 1.0f), "-9");
}

TYPED_TEST(InputRefusal, OfShapesThatDoNotFit) {
  const auto rows_of = [](factor m, std::ptrdiff_t rows) {
    return factor(m.data, rows, m.cols, m.row_stride);
  };
  const auto cols_of = [](factor m, std::ptrdiff_t cols) {
    return factor(m.data, m.rows, cols, m.row_stride);
  };
  REFUSES(low_rank(rows_of(this->b, 5), this->a, 1.0f), "5(.|\n)*6|6(.|\n)*5");
  REFUSES(low_rank(cols_of(this->b, 3), this->a, 1.0f), "3(.|\n)*4|4(.|\n)*3");
  REFUSES(low_rank(this->b, rows_of(this->a, 3), 1.0f), "3(.|\n)*4|4(.|\n)*3");
  REFUSES(low_rank(this->b, cols_of(this->a, 8), 1.0f), "8(.|\n)*9|9(.|\n)*8");
  REFUSES(this->w.view(), {this->good.view(), low_rank(this->b, cols_of(this->a, 8), 1.0f)},
          "8(.|\n)*9|9(.|\n)*8");
}

TYPED_TEST(InputRefusal, OfRowsThatOverlapThemselves) {
  REFUSES(typename TestFixture::view(this->w.data(), 6, 9, 8), "stride");
  REFUSES(typename TestFixture::view(this->w.data(), 6, 9, 0), "stride");
  REFUSES(typename TestFixture::view(this->w.data(), 6, 9, -9), "stride");
  REFUSES(low_rank(factor(this->b.data, 6, 4, 3), this->a, 1.0f), "stride");
  REFUSES(low_rank(this->b, factor(this->a.data, 4, 9, 8), 1.0f), "stride");
}

TYPED_TEST(InputRefusal, OfStridesThatAreNoMatrix) {
  REFUSES(typename TestFixture::view(this->w.data(), 6, 9, 1, 6), "not row-major.*transposed");
  REFUSES(typename TestFixture::view(this->w.data(), 6, 9, 20, 2), "not row-major");
  REFUSES(low_rank(factor(this->b.data, 6, 4, 1, 5), this->a, 1.0f), "B.*overlaps itself");
  REFUSES(low_rank(factor(this->b.data, 6, 4, 6, 2), this->a, 1.0f), "B.*overlaps itself");
  REFUSES(low_rank(this->b, factor(this->a.data, 4, 9, 1, 0), 1.0f), "A.*stands still");
  REFUSES(low_rank(this->b, factor(this->a.data, 4, 9, -1, 4), 1.0f), "A.*backwards");
  const auto huge = std::numeric_limits<std::ptrdiff_t>::max() / 8;
  REFUSES(low_rank(this->b, factor(this->a.data, 4, 9, 1, huge), 1.0f), "A.*larger than memory");
}

TYPED_TEST(InputRefusal, IsForetoldByValidate) {
  const revlora::low_rank wrong(this->b, factor(nullptr, 4, 9), 1.0f);
  const revlora::validation found = revlora::validate(this->w.view(), wrong);
  EXPECT_FALSE(found);
  EXPECT_EQ(found.reason(), revlora::refusal::invalid_input);
  try {
    revlora::merge(this->w.view(), wrong);
    FAIL() << "not refused";
  } catch (const invalid_input& error) {
    EXPECT_EQ(found.text(), error.what());
  }
  const revlora::validation fine = revlora::validate(this->w.view(), this->good.view());
  EXPECT_TRUE(fine.ok() && fine.reason() == revlora::refusal::none && fine.text().empty());
}

TYPED_TEST(InputRefusal, OfStrengthsThatAreNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float strength : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    REFUSES(low_rank(this->b, this->a, strength), "strength");
    REFUSES(this->w.view(), {this->good.view(), low_rank(this->b, this->a, strength)}, "strength");
  }
}

// W inside the memory of a factor: first, last and middle elements shared, and one byte range just
// beside the other, which is fine.
TYPED_TEST(InputRefusal, OfWeightsThatOverlapAFactor) {
  matrix<TypeParam> memory(1, 200, 0);
  memory.fill([&](auto, auto) { return draw<TypeParam>(this->random, kind::normal, 1); });
  const auto weights =
      revlora::matrix_view<TypeParam>(&memory(0, 100), 3, 4);  // elements 100 … 111
  const auto factor_at = [&](std::ptrdiff_t at, std::ptrdiff_t rows, std::ptrdiff_t cols) {
    return revlora::matrix_view<const TypeParam>(&memory(0, at), rows, cols);
  };
  const auto free_b = factor_at(0, 3, 2), free_a = factor_at(10, 2, 4);
  for (const std::ptrdiff_t at : {93, 99, 100, 103, 111}) {  // the factors have 8 and 6 elements
    const low_rank through_a(free_b, factor_at(at, 2, 4), 1.0f);
    EXPECT_TRUE(
        refuses<invalid_input>(memory, "overlap", [&] { revlora::merge(weights, through_a); }))
        << "A at " << at;
    const low_rank through_b(factor_at(std::max<std::ptrdiff_t>(at, 95), 3, 2), free_a, 1.0f);
    EXPECT_TRUE(
        refuses<invalid_input>(memory, "overlap", [&] { revlora::merge(weights, through_b); }))
        << "B at " << at;
    EXPECT_TRUE(
        refuses<invalid_input>(memory, "overlap", [&] { revlora::subtract(weights, through_b); }));
  }
  for (const std::ptrdiff_t at : {92, 112}) {
    EXPECT_NO_THROW(revlora::merge(weights, low_rank(free_b, factor_at(at, 2, 4), 1.0f)));
    EXPECT_NO_THROW(revlora::merge(weights, low_rank(factor_at(at, 3, 2), free_a, 1.0f)));
  }
}

TYPED_TEST(InputRefusal, DoesNotConcernEmptyMatrices) {
  const revlora::matrix_view<TypeParam> nothing(nullptr, 0, 9), no_columns(nullptr, 6, 0);
  EXPECT_NO_THROW(revlora::merge(nothing, low_rank(factor(nullptr, 0, 4), this->a, 1.0f)));
  EXPECT_NO_THROW(revlora::merge(no_columns, low_rank(this->b, factor(nullptr, 4, 0), 1.0f)));
  const low_rank rank_zero(factor(nullptr, 6, 0, 8), factor(nullptr, 0, 9), 1.0f);
  EXPECT_NO_THROW(revlora::merge(this->w.view(), rank_zero));
}

}  // namespace
}  // namespace tests
