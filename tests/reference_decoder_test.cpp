// A decoder written from docs/undo-record.md alone undoes what the library recorded: the page is
// enough.
#include "reference_decoder.hpp"

#include <algorithm>
#include <map>
#include <regex>

#include "correlated.hpp"
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

using revlora::recipe;
using bytes = std::vector<std::byte>;

inline constexpr recipe all_recipes[] = {recipe::fused, recipe::rounded_delta, recipe::nan};

template <class T>
std::vector<T> elements(const matrix<T>& m) {
  std::vector<T> all;
  for (std::ptrdiff_t i = 0; i < m.rows(); ++i) {
    for (std::ptrdiff_t j = 0; j < m.cols(); ++j) all.push_back(m(i, j));
  }
  return all;
}

template <class T>
testing::AssertionResult same_elements(const std::vector<T>& expected, const std::vector<T>& got) {
  if (expected.size() != got.size()) {
    return testing::AssertionFailure() << expected.size() << " weights expected, " << got.size();
  }
  for (std::size_t at = 0; at < expected.size(); ++at) {
    if (oracle::bits_of(expected[at]) == oracle::bits_of(got[at])) continue;
    return testing::AssertionFailure()
           << "weight " << at << ": expected 0x" << std::hex << oracle::bits_of(expected[at])
           << ", got 0x" << oracle::bits_of(got[at]);
  }
  return testing::AssertionSuccess();
}

/// What the library makes of a base: the merged weights, and the bytes that lead back.
template <class T>
struct merged_weights {
  std::vector<T> weights;
  bytes record;

  merged_weights(matrix<T> w, revlora::adapter_list adapters) {
    revlora::undo_record its;
    revlora::merge(w.view(), adapters, its);
    weights = elements(w);
    record = its.to_bytes();
  }
};

bool has_exceptions(const bytes& record) {
  const std::vector<reference::panel_record> panels = reference::read_record(record).panels;
  return std::any_of(panels.begin(), panels.end(),
                     [](const reference::panel_record& panel) { return panel.has_exceptions; });
}

/// And without exceptions, which would hide what the other rules get wrong.
template <class T>
testing::AssertionResult reference_undoes(const matrix<T>& base, revlora::adapter_list adapters) {
  const merged_weights<T> merged(base, adapters);
  if (has_exceptions(merged.record)) return testing::AssertionFailure() << "exceptions recorded";
  try {
    return same_elements(elements(base),
                         reference::decode(merged.record, merged.weights, adapters));
  } catch (const std::runtime_error& refusal) {
    return testing::AssertionFailure() << refusal.what();
  }
}

/// `pattern` is a regular expression that the message must contain.
template <class T>
testing::AssertionResult reference_refuses(const bytes& record, const std::vector<T>& merged,
                                           revlora::adapter_list adapters,
                                           const std::string& pattern) {
  try {
    reference::decode(record, merged, adapters);
  } catch (const std::runtime_error& refusal) {
    if (std::regex_search(refusal.what(), std::regex(pattern))) {
      return testing::AssertionSuccess() << refusal.what();
    }
    return testing::AssertionFailure() << refusal.what() << ", not " << pattern;
  }
  return testing::AssertionFailure() << "not refused: " << pattern;
}

template <class W>
class ReferenceDecoder : public testing::Test {};
TYPED_TEST_SUITE(ReferenceDecoder, weight_types, weight_name);

// ---- it undoes ---------------------------------------------------------------------------------

TYPED_TEST(ReferenceDecoder, UndoesEveryKindOfWeightUnderEveryKindOfAdapter) {
  engine random(1);
  for (const kind weights : all_kinds) {
    for (const kind numbers : all_kinds) {
      const auto base = random_matrix<TypeParam>(random, 35, 140, weights, 0.5f);
      const mixed_factors<revlora::f16> adapters(random, 35, 140, 3, numbers, 0.5f, 0.7f);
      for (const std::size_t count : {1u, 3u}) {
        const std::vector<revlora::low_rank> list = adapters.list(count);
        for (const recipe how : all_recipes) {
          ASSERT_TRUE(reference_undoes(base, {list, how}))
              << name_of(weights) << " weights, " << count << " with " << name_of(numbers)
              << " factors, " << name_of(how);
        }
      }
    }
  }
}

TYPED_TEST(ReferenceDecoder, UndoesNormalWeightsAtEveryRatio) {
  engine random(2);
  // More blocks than are coded together.
  const auto base = random_matrix<TypeParam>(random, 20, 1000, kind::normal, 0.02f);
  auto adapter = random_factors<revlora::bf16>(random, 20, 1000, 16, kind::normal, 1, 1);
  for (const float ratio : {0.001f, 0.01f, 0.1f, 0.3f, 1.0f, 3.0f, 30.0f}) {
    adapter.strength = ratio * 0.02f / 4;  // rank 16: B·A has a standard deviation of 4
    for (const recipe how : all_recipes) {
      ASSERT_TRUE(reference_undoes(base, {adapter.view(), how}))
          << "ratio " << ratio << ", " << name_of(how);
    }
  }
}

TYPED_TEST(ReferenceDecoder, UndoesMostlyZeroWeights) {
  engine random(3);
  for (const unsigned one_in : {2u, 10u, 100u}) {
    matrix<TypeParam> base(40, 150);
    base.fill([&](auto, auto) {
      return draw<TypeParam>(random, random() % one_in == 0 ? kind::normal : kind::zeros, 0.02f);
    });
    const auto adapter =
        random_factors<revlora::bf16>(random, 40, 150, 8, kind::normal, 0.1f, 0.1f);
    for (const recipe how : all_recipes) {
      ASSERT_TRUE(reference_undoes(base, {adapter.view(), how}))
          << "one weight in " << one_in << " not zero, " << name_of(how);
    }
  }
}

TYPED_TEST(ReferenceDecoder, UndoesTiesAndCancellation) {
  engine random(4);
  for (int exponent = -30; exponent <= 12; exponent += 3) {
    const auto base = random_matrix<TypeParam>(random, 20, 140, kind::coarse, 1);
    auto adapter = random_factors<revlora::bf16>(random, 20, 140, 2, kind::coarse, 1, 1);
    for (const float further : {0.0f, 0x1p-12f}) {
      adapter.strength = std::ldexp(1 + further, exponent);
      for (const recipe how : all_recipes) {
        ASSERT_TRUE(reference_undoes(base, {adapter.view(), how}))
            << "D in steps of 2^" << exponent << " times 1 + " << further << ", " << name_of(how);
      }
    }
  }
}

TYPED_TEST(ReferenceDecoder, UndoesCorrelatedPanels) {
  for (int correlation = 0; correlation < correlations; ++correlation) {
    engine random(static_cast<std::uint64_t>(correlation) + 5);
    const auto panel = draw_panel<TypeParam>(random, correlation, 1000);
    for (const recipe how : all_recipes) {
      ASSERT_TRUE(reference_undoes(panel.weights, {panel.adapter.view(), how}))
          << correlation_names[correlation] << ", " << name_of(how);
    }
  }
}

TYPED_TEST(ReferenceDecoder, UndoesDeltasThatAreNotFinite) {
  engine random(6);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float largest = std::numeric_limits<float>::max();
  const auto adapter = adapter_of_rows(
      {infinity, -infinity, std::nanf(""), largest, -largest, 65504, 65519, 65520, -65520,
       0x1.fep127f, 0x1.ffp127f, -0x1p-149f, 0x1p-149f, 0, 1, 0x1p-25f, 0x1p-24f, 0x1p-133f},
      90);
  for (const kind weights : all_kinds) {
    const auto base = random_matrix<TypeParam>(random, 18, 90, weights, 1);
    for (const recipe how : all_recipes) {
      ASSERT_TRUE(reference_undoes(base, {adapter.view(), how}))
          << name_of(weights) << ", " << name_of(how);
    }
  }
}

// In fp32, y − D of the largest weights may be a tie between them and infinity, and so overflow.
TYPED_TEST(ReferenceDecoder, UndoesTheLargestWeights) {
  engine random(13);
  const TypeParam largest = oracle::from_bits<TypeParam>(oracle::infinity_bits<TypeParam> - 1);
  const float scale = oracle::widen(largest) / 4;
  matrix<TypeParam> base(16, 200);
  matrix<float> deltas(16, 200);
  base.fill([&](auto i, auto j) {
    const bool has_sign = random() % 2 == 0;
    deltas(i, j) = (has_sign ? scale : -scale) * (static_cast<float>(random() % 1000) / 500);
    return oracle::from_bits<TypeParam>(oracle::bits_of(largest) |
                                        (has_sign ? oracle::sign_bit<TypeParam> : 0));
  });
  const auto adapter = adapter_of_delta(std::move(deltas));
  for (const recipe how : all_recipes) {
    ASSERT_TRUE(reference_undoes(base, {adapter.view(), how})) << name_of(how);
  }
}

TYPED_TEST(ReferenceDecoder, UndoesEveryShapeAndAnEmptyList) {
  engine random(7);
  for (const std::ptrdiff_t rows : {0, 1, 16, 17, 33}) {
    for (const std::ptrdiff_t cols : {0, 1, 63, 64, 65, 200}) {
      const auto base = random_matrix<TypeParam>(random, rows, cols, kind::wild, 0.1f);
      const auto adapter = random_factors<float>(random, rows, cols, 5, kind::normal, 0.1f, 1);
      const auto nothing = random_factors<float>(random, rows, cols, 0, kind::normal, 0.1f, 1);
      for (const recipe how : all_recipes) {
        ASSERT_TRUE(reference_undoes(base, {adapter.view(), how})) << rows << " x " << cols;
        ASSERT_TRUE(reference_undoes(base, {nothing.view(), how})) << rows << " x " << cols;
        ASSERT_TRUE(reference_undoes(base, {std::span<const revlora::low_rank>(), how}))
            << rows << " x " << cols << ", empty list";
      }
    }
  }
}

// ---- it refuses --------------------------------------------------------------------------------

/// A record small enough to be damaged in every bit, with every sort of code in it.
template <class W>
struct small_scene {
  engine random{8};
  matrix<W> base = random_matrix<W>(random, 18, 70, kind::wild, 0.5f);
  mixed_factors<revlora::bf16> adapters{random, 18, 70, 4, kind::wild, 0.5f, 0.3f};
  std::vector<revlora::low_rank> list = adapters.list(2);
  merged_weights<W> merged{base, list};
};

bytes with_flipped_bit(bytes record, std::size_t at) {
  record[at / 8] ^= static_cast<std::byte>(1 << (at % 8));
  return record;
}

/// The record with a digest that fits again.
bytes sealed(bytes record) {
  record.resize(record.size() - 8);
  reference::append_integer(record, reference::stream_checksum(record), 8);
  return record;
}

TYPED_TEST(ReferenceDecoder, RefusesEveryFlippedBit) {
  const small_scene<TypeParam> s;
  ASSERT_TRUE(reference_undoes(s.base, s.list));
  for (std::size_t at = 0; at < 8 * s.merged.record.size(); ++at) {
    ASSERT_TRUE(reference_refuses(with_flipped_bit(s.merged.record, at), s.merged.weights, s.list,
                                  "RVU|version|unknown|missing|digest|scales|2\\^63"))
        << "bit " << at << " of " << 8 * s.merged.record.size();
  }
}

TYPED_TEST(ReferenceDecoder, RefusesEveryFlippedBitUnderAFittingDigest) {
  engine random(9);
  const auto base = random_matrix<TypeParam>(random, 3, 5, kind::normal, 0.5f);
  const auto adapter = random_factors<float>(random, 3, 5, 2, kind::normal, 1, 1);
  const merged_weights<TypeParam> merged(base, adapter.view());
  for (std::size_t at = 0; at < 8 * (merged.record.size() - 8); ++at) {
    ASSERT_TRUE(reference_refuses(sealed(with_flipped_bit(merged.record, at)), merged.weights,
                                  adapter.view(), ""))
        << "bit " << at << " of " << 8 * merged.record.size();
  }
}

TYPED_TEST(ReferenceDecoder, RefusesRecordsOfAnotherLength) {
  const small_scene<TypeParam> s;
  bytes record = s.merged.record;
  record.push_back(std::byte{0});
  EXPECT_TRUE(reference_refuses(record, s.merged.weights, s.list, "follow"));
  for (record.resize(record.size() - 2); !record.empty(); record.pop_back()) {
    ASSERT_TRUE(reference_refuses(record, s.merged.weights, s.list, "missing")) << record.size();
  }
  EXPECT_TRUE(reference_refuses(record, s.merged.weights, s.list, "missing"));
}

TYPED_TEST(ReferenceDecoder, RefusesEveryChangedWeight) {
  const small_scene<TypeParam> s;
  std::vector<TypeParam> weights = s.merged.weights;
  for (TypeParam& weight : weights) {
    const TypeParam before = weight;
    weight = oracle::from_bits<TypeParam>(oracle::bits_of(weight) ^ 1u);
    ASSERT_TRUE(reference_refuses(s.merged.record, weights, s.list, "were changed"));
    weight = before;
  }
  EXPECT_TRUE(reference_refuses(s.merged.record, elements(s.base), s.list, "were changed"));
}

// The two weights differ by a quarter of an ulp of 1: either leads back to a base of 1.
TYPED_TEST(ReferenceDecoder, RefusesAWeightThatDoesNotMergeToTheOneItCameFrom) {
  matrix<TypeParam> base(1, 1);
  base(0, 0) = oracle::round<TypeParam>(1);
  const auto adapter = adapter_of_rows({-0.75f}, 1);
  const merged_weights<TypeParam> merged(base, adapter.view());
  const std::uint32_t quarter = oracle::bits_of(merged.weights[0]);
  const std::vector<TypeParam> other = {oracle::from_bits<TypeParam>(quarter + 1)};
  bytes record = merged.record;
  record.resize(record.size() - 8 - 1 - 4);  // digest, size of no code, checksum
  const reference::shape single{1, 1};
  reference::append_integer(record, reference::lanes_of_panel(other, single, 0).result32(), 4);
  record.resize(record.size() + 1 + 8);
  EXPECT_TRUE(reference_refuses(sealed(record), other, adapter.view(), "does not merge"));
}

TYPED_TEST(ReferenceDecoder, RefusesCodesUnderAnEmptyList) {
  const matrix<TypeParam> base(3, 5);
  const merged_weights<TypeParam> merged(base, {});
  bytes record = merged.record;
  const std::size_t size_and_flag = record.size() - 8 - 1;
  record[size_and_flag] = std::byte{1};
  EXPECT_TRUE(reference_refuses(sealed(record), merged.weights, {}, "codes without an adapter"));
  record[size_and_flag] = std::byte{2};
  record.push_back(std::byte{0});
  EXPECT_TRUE(reference_refuses(sealed(record), merged.weights, {}, "codes without an adapter"));
}

TYPED_TEST(ReferenceDecoder, RefusesOtherAdapters) {
  small_scene<TypeParam> s;
  const auto refuses = [&](revlora::adapter_list adapters, const char* pattern) {
    return reference_refuses(s.merged.record, s.merged.weights, adapters, pattern);
  };
  const std::vector<revlora::low_rank> reversed(s.list.rbegin(), s.list.rend());
  EXPECT_TRUE(refuses(reversed, "another adapter"));
  EXPECT_TRUE(refuses({s.list, recipe::rounded_delta}, "another recipe"));
  EXPECT_TRUE(refuses(s.list[0], "another number"));
  EXPECT_TRUE(refuses({}, "another number"));

  const revlora::low_rank& first = s.list[0];
  s.adapters.first.strength *= 2;
  EXPECT_TRUE(refuses({s.adapters.first.view(), s.list[1]}, "another adapter"));
  s.adapters.first.strength = first.strength();
  EXPECT_TRUE(reference_undoes(s.base, s.adapters.list(2)));
  auto& element = s.adapters.first.a(0, 69);
  element = oracle::from_bits<revlora::bf16>(oracle::bits_of(element) ^ 1u);
  EXPECT_TRUE(refuses(s.list, "another adapter"));
}

TYPED_TEST(ReferenceDecoder, RefusesOtherWeights) {
  const small_scene<TypeParam> s;
  std::vector<TypeParam> weights = s.merged.weights;
  weights.pop_back();
  EXPECT_TRUE(reference_refuses(s.merged.record, weights, s.list, "another shape"));
  using other = std::conditional_t<std::is_same_v<TypeParam, float>, revlora::f16, float>;
  const std::vector<other> of_another_type(s.merged.weights.size());
  EXPECT_TRUE(reference_refuses(s.merged.record, of_another_type, s.list, "another type"));
}

// ---- exceptions: none has ever been seen, so these are made ------------------------------------

template <class T>
void append_element(bytes& to, T weight) {
  reference::append_integer(to, oracle::bits_of(weight), sizeof(T));
}

void append_varint(bytes& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::byte>(value | 0x80));
  to.push_back(static_cast<std::byte>(value));
}

/// A record of a single panel with exceptions before its bit stream.
bytes with_exceptions(const bytes& record, const bytes& exceptions) {
  const reference::panel_record panel = reference::read_record(record).panels.at(0);
  bytes code, size;
  append_varint(code, exceptions.size());
  code.insert(code.end(), exceptions.begin(), exceptions.end());
  code.insert(code.end(), panel.code.begin(), panel.code.end());
  append_varint(size, 2 * panel.code_size);
  bytes result(record.begin(),
               record.end() - static_cast<std::ptrdiff_t>(8 + panel.code_size + size.size()));
  append_varint(result, 2 * code.size() + 1);
  result.insert(result.end(), code.begin(), code.end());
  result.resize(result.size() + 8);
  return sealed(std::move(result));
}

/// Position in its panel, and weight, of every third element; the last one is among them.
template <class T>
std::map<std::uint64_t, T> every_third(const matrix<T>& base) {
  std::map<std::uint64_t, T> weights;
  for (std::ptrdiff_t i = base.rows() - 1; i >= 0; --i) {
    for (std::ptrdiff_t j = base.cols() - 1 - i % 3; j >= 0; j -= 3) {
      weights[static_cast<std::uint64_t>(1024 * (j / 64) + 64 * i + j % 64)] = base(i, j);
    }
  }
  return weights;
}

template <class T>
bytes exceptions_of(const std::map<std::uint64_t, T>& weights) {
  bytes all;
  std::uint64_t next = 0;
  for (const auto& [position, weight] : weights) {
    append_varint(all, position - next);
    append_element(all, weight);
    next = position + 1;
  }
  return all;
}

TYPED_TEST(ReferenceDecoder, AgreesWithTheLibraryOnExceptions) {
  engine random(10);
  const auto base = random_matrix<TypeParam>(random, 13, 150, kind::wild, 0.5f);
  const auto adapter = random_factors<float>(random, 13, 150, 4, kind::normal, 0.5f, 0.3f);
  matrix<TypeParam> w = base;
  revlora::undo_record record;
  revlora::merge(w.view(), adapter.view(), record);
  const bytes made = with_exceptions(record.to_bytes(), exceptions_of(every_third(base)));
  EXPECT_TRUE(same_elements(elements(base), reference::decode(made, elements(w), adapter.view())));
  revlora::unmerge(w.view(), adapter.view(), revlora::undo_record::from_bytes(made));
  EXPECT_TRUE(same_bits(base, w));
}

// Exceptions that do not merge to what is there are refused, and blocks before them are led back.
TYPED_TEST(ReferenceDecoder, RefusesWrongExceptionsLikeTheLibrary) {
  engine random(14);
  const auto base = random_matrix<TypeParam>(random, 13, 150, kind::normal, 0.5f);
  const auto adapter = random_factors<float>(random, 13, 150, 4, kind::normal, 0.5f, 0.3f);
  matrix<TypeParam> w = base;
  revlora::undo_record record;
  revlora::merge(w.view(), adapter.view(), record);
  const matrix<TypeParam> merged = w;
  for (const std::ptrdiff_t column : {0, 70, 149}) {
    const auto position = static_cast<std::uint64_t>(1024 * (column / 64) + 64 * 5 + column % 64);
    const bytes wrong = exceptions_of(std::map<std::uint64_t, TypeParam>{{position, {}}});
    const bytes made = with_exceptions(record.to_bytes(), wrong);
    EXPECT_TRUE(reference_refuses(made, elements(w), adapter.view(), "does not merge"));
    EXPECT_THROW(revlora::unmerge(w.view(), adapter.view(), revlora::undo_record::from_bytes(made)),
                 revlora::record_refused);
    EXPECT_TRUE(same_bits(merged, w)) << "column " << column;
  }
  bytes far = exceptions_of(std::map<std::uint64_t, TypeParam>{{0, base(0, 0)}});
  append_varint(far, std::numeric_limits<std::int64_t>::max());
  append_element(far, TypeParam{});
  const bytes made = with_exceptions(record.to_bytes(), far);
  revlora::unmerge(w.view(), adapter.view(), revlora::undo_record::from_bytes(made));
  EXPECT_TRUE(same_bits(base, w)) << "an exception behind every weight has no effect";
}

// The only weight is NaN, so its code is raw: a wrong one does not count.
TYPED_TEST(ReferenceDecoder, PrefersAnExceptionToTheCode) {
  matrix<TypeParam> base(1, 1);
  base(0, 0) = canary<TypeParam>();
  const auto adapter = adapter_of_rows({1}, 1);
  matrix<TypeParam> w = base;
  revlora::undo_record record;
  revlora::merge(w.view(), adapter.view(), record);
  const std::size_t first_bit_of_code = 8 * (record.size_bytes() - 8 - sizeof(TypeParam));
  const bytes wrong = sealed(with_flipped_bit(record.to_bytes(), first_bit_of_code));
  EXPECT_TRUE(reference_refuses(wrong, elements(w), adapter.view(), "base|does not merge"));
  const bytes made = with_exceptions(wrong, exceptions_of(every_third(base)));
  EXPECT_TRUE(same_elements(elements(base), reference::decode(made, elements(w), adapter.view())));
  revlora::unmerge(w.view(), adapter.view(), revlora::undo_record::from_bytes(made));
  EXPECT_TRUE(same_bits(base, w));
}

TYPED_TEST(ReferenceDecoder, RefusesExceptionsThatAreNotThere) {
  engine random(12);
  const auto base = random_matrix<TypeParam>(random, 3, 70, kind::normal, 1);
  const auto adapter = random_factors<float>(random, 3, 70, 2, kind::normal, 1, 1);
  const merged_weights<TypeParam> merged(base, adapter.view());
  const auto refuses = [&](std::uint64_t position, const char* pattern) {
    const bytes exceptions = exceptions_of(std::map<std::uint64_t, TypeParam>{{position, {}}});
    return reference_refuses(with_exceptions(merged.record, exceptions), merged.weights,
                             adapter.view(), pattern);
  };
  EXPECT_TRUE(refuses(3 * 64, "outside the matrix")) << "row 3";
  EXPECT_TRUE(refuses(1024 + 6, "outside the matrix")) << "column 70";
  EXPECT_TRUE(refuses(2048, "outside its panel")) << "block 2";
}

// ---- fingerprints, and the example -------------------------------------------------------------

template <class F>
class ReferenceFingerprint : public testing::Test {};
TYPED_TEST_SUITE(ReferenceFingerprint, weight_types, weight_name);

TYPED_TEST(ReferenceFingerprint, IsTheLibrarys) {
  engine random(11);
  for (const std::ptrdiff_t rank : {0, 1, 7, 64}) {
    auto adapter = random_factors<TypeParam>(random, 33, 70, rank, kind::any_bits, 1, 0.3f);
    const auto other = random_factors<TypeParam>(random, 33, 70, 3, kind::any_bits, 1, 1);
    for (const float strength : {0.3f, -0.0f, 1e30f}) {
      adapter.strength = strength;
      EXPECT_EQ(reference::fingerprint(adapter.view()), revlora::fingerprint(adapter.view()))
          << "rank " << rank << ", strength " << strength;
      const revlora::hadamard both({adapter.b.view(), adapter.a.view()},
                                   {other.b.view(), other.a.view()}, strength);
      EXPECT_EQ(reference::fingerprint(both), revlora::fingerprint(both))
          << "hadamard, rank " << rank << ", strength " << strength;
    }
  }
}

TEST(ReferenceScales, HaveTheirFingerprintInTheRecord) {
  engine random(12);
  const auto base = random_matrix<revlora::e4m3>(random, 33, 192, kind::normal, 10, 0);
  const auto adapter = random_factors<float>(random, 33, 192, 2, kind::normal, 1, 1);
  const auto agrees = [&](const matrix<revlora::bf16>& scales, std::uint64_t rows,
                          std::uint64_t cols) {
    matrix<revlora::e4m3> w = base;
    revlora::undo_record record;
    const revlora::any_const_matrix view = scales.view();
    revlora::merge(revlora::any_matrix(w.view()).scaled_by(view), adapter.view(), record);
    EXPECT_EQ(reference::read_record(record.to_bytes()).head.scales_fingerprint,
              reference::fingerprint_of_scales(view, rows, cols))
        << scales.rows() << "×" << scales.cols();
  };
  const auto scales = [&](std::ptrdiff_t rows, std::ptrdiff_t cols) {
    matrix<revlora::bf16> drawn(rows, cols);
    drawn.fill([&](auto, auto) { return revlora::bf16(0.5f + static_cast<float>(random() % 8)); });
    return drawn;
  };
  agrees(scales(1, 1), 33, 192);
  agrees(scales(33, 1), 1, 192);
  agrees(scales(1, 2), 128, 128);
}

// Section 10.
struct example {
  matrix<revlora::bf16> base{2, 3};
  factors<float> adapter{matrix<float>(2, 1), matrix<float>(1, 3), 0.5f};
  std::vector<revlora::bf16> merged = numbers({2, -1.875f, 32.5f, -1, 2.875f, 68});
  bytes record;

  example() {
    const auto weights = numbers({1, -2, 0.5f, 0, 3, 100});
    base.fill([&, at = 0u](auto, auto) mutable { return weights[at++]; });
    adapter.b(0, 0) = 1;
    adapter.b(1, 0) = -1;
    adapter.a(0, 0) = 2;
    adapter.a(0, 1) = 0.25f;
    adapter.a(0, 2) = 64;
    for (const int byte :
         {0x52, 0x56, 0x55, 0x03, 0x02, 0x00, 0x01, 0x02, 0x03, 0x01, 0xa5, 0x2a, 0x82, 0x1a,
          0xcf, 0x3a, 0x6d, 0x5f, 0x70, 0x09, 0xe8, 0xa3, 0x7e, 0x2d, 0xc3, 0x59, 0xce, 0xf1,
          0xb8, 0xab, 0x04, 0xdf, 0x02, 0x82, 0x16, 0xd4, 0xde, 0xe5, 0xaf, 0xb3, 0x83}) {
      record.push_back(static_cast<std::byte>(byte));
    }
  }

  static std::vector<revlora::bf16> numbers(std::initializer_list<float> values) {
    std::vector<revlora::bf16> rounded;
    for (const float value : values) rounded.push_back(oracle::round<revlora::bf16>(value));
    return rounded;
  }
};

TEST(ReferenceExample, IsWhatTheLibraryRecords) {
  const example its;
  const merged_weights<revlora::bf16> merged(its.base, its.adapter.view());
  EXPECT_TRUE(same_elements(its.merged, merged.weights));
  EXPECT_TRUE(same_bytes(its.record, merged.record));
}

TEST(ReferenceExample, IsUndone) {
  const example its;
  EXPECT_TRUE(same_elements(elements(its.base),
                            reference::decode(its.record, its.merged, its.adapter.view())));
}

TEST(ReferenceExample, HasTheCandidatesOfItsTable) {
  const auto candidates = [](float y, float delta) {
    return reference::candidates_of(oracle::round<revlora::bf16>(y), delta, recipe::fused);
  };
  const auto order = [](float x) { return oracle::order_of(oracle::round<revlora::bf16>(x)); };
  EXPECT_EQ(candidates(2, 1).lowest, order(0.99609375f));
  EXPECT_EQ(candidates(2, 1).count, 3u);
  EXPECT_EQ(candidates(32.5f, 32).lowest, order(0.375f));
  EXPECT_EQ(candidates(32.5f, 32).count, 97u);
  EXPECT_EQ(candidates(-1.875f, 0.125f).lowest, order(-2));
  EXPECT_EQ(candidates(-1.875f, 0.125f).count, 1u);
  EXPECT_TRUE(candidates(-1, -1).have_both_zeros());
  EXPECT_GT(candidates(-1, -1).count, 4u);
}

}  // namespace
}  // namespace tests
