// A record that does not belong here is refused by name, by every verb that reads records, with
// every weight as it was.
#include "executors.hpp"
#include "paths.hpp"
#include "record_panels.hpp"
#include "refusal.hpp"
#include "revlora/detail/record/write.hpp"

namespace tests {
namespace {

using revlora::low_rank;
using revlora::record_refused;
using revlora::refusal;
using revlora::undo_record;

template <class W>
class RecordRefusal : public testing::Test {
 protected:
  static constexpr std::ptrdiff_t rows = 35, cols = 140;  // partial panels, partial blocks

  engine random{1};
  matrix<W> base = random_matrix<W>(random, rows, cols, kind::normal, 0.02f);
  factors<revlora::bf16> first =
      random_factors<revlora::bf16>(random, rows, cols, 3, kind::normal, 0.1f, 0.5f);
  factors<float> second = random_factors<float>(random, rows, cols, 2, kind::normal, 0.1f, -0.5f);
  std::vector<low_rank> list{first.view(), second.view()};
  matrix<W> merged = base;
  undo_record record;

  void SetUp() override { revlora::merge(merged.view(), list, record); }

  /// unmerge in place and elsewhere, validate and swap refuse alike, for this reason; the record
  /// stays.
  template <class T>
  testing::AssertionResult all_refuse(matrix<T>& w, revlora::adapter_list adapters, refusal reason,
                                      const std::string& pattern, const path<T>& p,
                                      const runner& on = on_this_thread()) {
    const undo_record before = record;
    matrix<T> elsewhere = w;
    const matrix<T>& source = w;
    const std::function<void()> verbs[] = {
        [&] { p.restore(w.view(), adapters, record, on); },
        [&] { p.restore_to(source.view(), elsewhere.view(), adapters, record, on); },
        [&] { revlora::detail::require(p.validate(source.view(), adapters, record, on)); },
        [&] { p.swap(w.view(), adapters, {}, record, on); },
        [&] { p.swap(w.view(), adapters, adapters, record, on); },
    };
    for (std::size_t i = 0; i < std::size(verbs); ++i) {
      const auto verb = [&] {
        try {
          verbs[i]();
        } catch (const record_refused& refused) {
          if (refused.reason() != reason)
            throw std::runtime_error("another reason: " + std::string(refused.what()));
          throw;
        }
      };
      if (auto is = refuses<record_refused>(w, pattern, verb); !is) {
        return is << " (verb " << i << " on " << p.name << ")";
      }
    }
    for (const revlora::validation& found :
         {revlora::validate(source.view(), adapters, record, on),
          revlora::validate(source.view(), elsewhere.view(), adapters, record, on),
          revlora::validate(w.view(), adapters, {}, record, on)}) {
      if (found.reason() != reason)
        return testing::AssertionFailure() << "validate says \"" << found.text() << '"';
      if (auto is = refuses<record_refused>(w, pattern, found); !is) return is << " (validate)";
    }
    return same_bytes(before.bytes(), record.bytes());
  }
  testing::AssertionResult all_refuse(revlora::adapter_list adapters, refusal reason,
                                      const std::string& pattern) {
    return all_refuse(merged, adapters, reason, pattern, paths<W>().back());
  }
};
TYPED_TEST_SUITE(RecordRefusal, weight_types, weight_name);

TYPED_TEST(RecordRefusal, OfAnEmptyRecord) {
  this->record = undo_record();
  EXPECT_TRUE(this->all_refuse(this->list, refusal::empty_record, "empty"));
}

TYPED_TEST(RecordRefusal, OfAnotherShape) {
  for (const auto& [height, width] : {std::pair{34, 140}, {35, 139}, {140, 35}, {35, 141}}) {
    auto w = random_matrix<TypeParam>(this->random, height, width, kind::normal, 1);
    const auto adapter = random_factors<float>(this->random, height, width, 2, kind::normal, 1, 1);
    EXPECT_TRUE(this->all_refuse(w, {adapter.view(), adapter.view()}, refusal::other_shape,
                                 "35.*140", paths<TypeParam>().back()));
  }
}

TYPED_TEST(RecordRefusal, OfAnotherWeightType) {
  const auto try_with = [&]<class Other>(Other) {
    if (std::is_same_v<Other, TypeParam>) return;
    auto w = random_matrix<Other>(this->random, this->rows, this->cols, kind::normal, 1);
    const std::string here = type_name<Other>, there = type_name<TypeParam>;
    EXPECT_TRUE(this->all_refuse(w, this->list, refusal::other_type, there + ".*" + here,
                                 paths<Other>().back()));
  };
  try_with(float{});
  try_with(revlora::f16{});
  try_with(revlora::bf16{});
}

TYPED_TEST(RecordRefusal, OfAnotherRecipe) {
  EXPECT_TRUE(this->all_refuse({this->list, revlora::recipe::rounded_delta}, refusal::other_recipe,
                               "fused, not rounded_delta"));
}

TYPED_TEST(RecordRefusal, OfAnAdapterTrainedFurther) {
  this->first.b(34, 2).bits ^= 1;
  EXPECT_TRUE(this->all_refuse(this->list, refusal::other_adapter, "adapter 0"));
  this->first.b(34, 2).bits ^= 1;
  this->second.a(1, 139) = std::nextafter(this->second.a(1, 139), 2.0f);
  EXPECT_TRUE(this->all_refuse(this->list, refusal::other_adapter, "adapter 1"));
}

TYPED_TEST(RecordRefusal, OfAnotherAdapter) {
  const auto another =
      random_factors<float>(this->random, this->rows, this->cols, 2, kind::normal, 0.1f, -0.5f);
  EXPECT_TRUE(
      this->all_refuse({this->first.view(), another.view()}, refusal::other_adapter, "adapter 1"));
}

TYPED_TEST(RecordRefusal, OfAnotherStrength) {
  const low_rank stronger(this->second.b.view(), this->second.a.view(), -0.50000006f);
  EXPECT_TRUE(this->all_refuse({this->first.view(), stronger}, refusal::other_strength,
                               "adapter 1.*strength -0.5, not -0.50000006"));
}

TYPED_TEST(RecordRefusal, OfAnotherOrder) {
  EXPECT_TRUE(
      this->all_refuse({this->second.view(), this->first.view()}, refusal::other_order, "order"));
}

TYPED_TEST(RecordRefusal, OfAnotherNumberOfAdapters) {
  EXPECT_TRUE(this->all_refuse({}, refusal::other_count, "2 adapters, not 0"));
  EXPECT_TRUE(this->all_refuse(this->first.view(), refusal::other_count, "2 adapters, not 1"));
  EXPECT_TRUE(this->all_refuse({this->first.view(), this->second.view(), this->second.view()},
                               refusal::other_count, "2 adapters, not 3"));
}

TYPED_TEST(RecordRefusal, OfUnmergingTwice) {
  revlora::unmerge(this->merged.view(), this->list, this->record);
  ASSERT_TRUE(same_bits(this->base, this->merged));
  EXPECT_TRUE(this->all_refuse(this->list, refusal::already_unmerged, "already"));
}

// Half of it: the panels above still are merged, those below are at the base.
TYPED_TEST(RecordRefusal, OfWeightsThatAreHalfUnmerged) {
  for (std::ptrdiff_t i = 16; i < this->rows; ++i) {
    for (std::ptrdiff_t j = 0; j < this->cols; ++j) this->merged(i, j) = this->base(i, j);
  }
  EXPECT_TRUE(this->all_refuse(this->list, refusal::weights_changed, "changed"));
}

// One bit of one weight, wherever it is: panels before it are led to their goal before the change
// is noticed, and must be led back.
TYPED_TEST(RecordRefusal, OfMergedWeightsThatSomebodyChanged) {
  for (const path<TypeParam>& p : paths<TypeParam>()) {
    for (std::ptrdiff_t i = 0; i < this->rows; ++i) {
      const std::ptrdiff_t j = i * 37 % this->cols;
      for (std::size_t bit = 0; bit < 8 * sizeof(TypeParam); ++bit) {
        const TypeParam x = this->merged(i, j);
        this->merged(i, j) = oracle::from_bits<TypeParam>(oracle::bits_of(x) ^ 1u << bit);
        ASSERT_TRUE(
            this->all_refuse(this->merged, this->list, refusal::weights_changed, "changed", p))
            << "bit " << bit << " of element (" << i << ", " << j << ")";
        this->merged(i, j) = x;
      }
    }
  }
}

TYPED_TEST(RecordRefusal, OfChangedWeightsOnSeveralThreads) {
  for (const std::ptrdiff_t i : {0, 16, 34}) {
    const TypeParam x = this->merged(i, 5);
    this->merged(i, 5) = oracle::from_bits<TypeParam>(oracle::bits_of(x) ^ 1u);
    for (const runner& on : {on_threads_backwards(3), odd_pieces_first()}) {
      ASSERT_TRUE(this->all_refuse(this->merged, this->list, refusal::weights_changed, "changed",
                                   paths<TypeParam>().back(), on))
          << "row " << i;
    }
    this->merged(i, 5) = x;
  }
}

/// Whether from_bytes refuses for this reason, and validate says so.
testing::AssertionResult refused(std::span<const std::byte> bytes, refusal reason) {
  if (const auto found = undo_record::validate(bytes); found.reason() != reason)
    return testing::AssertionFailure() << "validate says \"" << found.text() << '"';
  try {
    undo_record::from_bytes(bytes);
  } catch (const record_refused& error) {
    if (error.reason() == reason) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "another reason: " << error.what();
  }
  return testing::AssertionFailure() << "not refused";
}

TYPED_TEST(RecordRefusal, OfBytesCutShortOrTooLong) {
  const auto bytes = this->record.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_TRUE(refused(bytes.first(size), refusal::truncated)) << size << " bytes";
  }
  std::vector<std::byte> longer = this->record.to_bytes();
  longer.push_back(std::byte{0});
  ASSERT_TRUE(refused(longer, refusal::damaged));
}

TYPED_TEST(RecordRefusal, OfBytesWithAnyBitFlipped) {
  std::vector<std::byte> bytes = this->record.to_bytes();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] ^= std::byte{1} << bit;
      // A larger size or number looks as if bytes were missing.
      const testing::AssertionResult is = at < 3    ? refused(bytes, refusal::not_a_record)
                                          : at == 3 ? refused(bytes, refusal::other_version)
                                                    : refused(bytes, refusal::damaged);
      ASSERT_TRUE(is || (at > 3 && refused(bytes, refusal::truncated)))
          << "bit " << bit << " of byte " << at << ": " << is.message();
      bytes[at] ^= std::byte{1} << bit;
    }
  }
  EXPECT_NO_THROW(undo_record::from_bytes(bytes));
}

TYPED_TEST(RecordRefusal, OfTypesRecipesAndRulesThatDoNotExist) {
  for (const auto& [at, value] : {std::pair{4u, 5}, {4u, 255}, {5u, 3}, {6u, 0}, {6u, 2}}) {
    std::vector<std::byte> bytes = this->record.to_bytes();
    bytes[at] = static_cast<std::byte>(value);
    seal(bytes);
    EXPECT_TRUE(refused(bytes, refusal::damaged)) << "byte " << at << ": " << value;
  }
}

/// The sealed record of fp32 weights whose panels have codes of these sizes, and no codes.
std::vector<std::byte> forged(std::uint64_t rows, std::uint64_t cols, std::uint64_t adapters,
                              std::initializer_list<std::uint64_t> sizes) {
  std::byte memory[256] = {};
  revlora::detail::byte_writer out(memory);
  out.put("RVU", 3);
  out.put(revlora::detail::format_version);
  out.put("\0\0\1", 3);
  for (const std::uint64_t number : {rows, cols, adapters}) out.put_varint(number);
  out.put(std::uint64_t{0});  // the base's checksum
  for (const std::uint64_t size : sizes) {
    out.put(std::uint32_t{0});
    out.put_varint(size << 1);
  }
  out.put(std::uint64_t{0});  // the digest
  std::vector<std::byte> bytes(memory, out.at());
  seal(bytes);
  return bytes;
}

TEST(ForgedHeader, IsRefusedForWhatTheBytesDoNotHold) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_NO_THROW(undo_record::from_bytes(forged(1, 1, 0, {0})));
  EXPECT_TRUE(refused(forged(most, 1, 0, {}), refusal::damaged)) << "rows";
  EXPECT_TRUE(refused(forged(1, most, 0, {0}), refusal::damaged)) << "columns";
  EXPECT_TRUE(refused(forged(1, 1, most, {0}), refusal::truncated)) << "adapters";
  EXPECT_TRUE(refused(forged(most / 64, 1, 0, {0}), refusal::truncated)) << "panels";
  EXPECT_TRUE(refused(forged(1, 1, 0, {1}), refusal::truncated)) << "codes";
  // The sizes add up to 2⁶⁴, and so to nothing.
  constexpr std::uint64_t quarter = std::uint64_t{1} << 62;
  EXPECT_TRUE(refused(forged(80, 1, 0, {quarter - 1, quarter - 1, quarter - 1, quarter - 1, 4}),
                      refusal::truncated));
}

TYPED_TEST(RecordRefusal, OfVersionsFromTheFutureAndThePast) {
  std::vector<std::byte> bytes = this->record.to_bytes();
  bytes[3] = std::byte{4};
  EXPECT_TRUE(refuses<record_refused>(this->merged, "version 4.*reads version 3.*newer",
                                      [&] { undo_record::from_bytes(bytes); }));
  bytes[3] = std::byte{2};
  EXPECT_TRUE(refuses<record_refused>(this->merged, "version 2.*reads version 3",
                                      [&] { undo_record::from_bytes(bytes); }));
  EXPECT_TRUE(refused(bytes, refusal::other_version));
}

// A record whose digest was made to fit again after its codes were changed. Either the same base
// comes out (bits that decide nothing), or the record is refused and the weights are as they were:
// that it is wrong shows at a code, or at the base's checksum, when all panels are done.
TYPED_TEST(RecordRefusal, OfForgedCodes) {
  for (const kind weights : {kind::normal, kind::wild}) {  // wild ones have raw codes
    fill(this->base, this->random, weights, 0.02f);
    this->merged = this->base;
    undo_record original;
    revlora::merge(this->merged.view(), this->list, original);
    const auto first_panel = panels_of(original).front();
    int refusals = 0;
    const std::size_t end = original.size_bytes() - 8;
    const std::size_t step =
        sweeps_make_sense ? 1 : std::max<std::size_t>(1, (end - first_panel.offset) / 64);
    for (std::size_t at = first_panel.offset; at < end; at += step) {
      std::vector<std::byte> bytes = original.to_bytes();
      bytes[at] ^= static_cast<std::byte>(1u << this->random() % 8);
      seal(bytes);
      this->record = undo_record::from_bytes(bytes);
      matrix<TypeParam> w = this->merged;
      try {
        revlora::unmerge(w.view(), this->list, this->record, revlora::serial{});
        ASSERT_TRUE(same_bits(this->base, w)) << "byte " << at;
      } catch (const record_refused&) {
        ++refusals;
        ASSERT_TRUE(this->all_refuse(this->list, refusal::damaged, "damaged")) << "byte " << at;
      }
    }
    EXPECT_GT(refusals, sweeps_make_sense ? 20 : 5) << name_of(weights);
  }
}

}  // namespace
}  // namespace tests
