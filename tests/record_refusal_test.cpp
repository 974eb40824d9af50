// A record that does not belong here is refused by name, with every weight as it was.
#include "executors.hpp"
#include "paths.hpp"
#include "refusal.hpp"

namespace tests {
namespace {

using revlora::low_rank;
using revlora::record_refused;
using revlora::undo_record;

template <class W>
class RecordRefusal : public testing::Test {
 protected:
  static constexpr std::ptrdiff_t rows = 35, cols = 70;  // three panels, the last of three rows

  engine random{1};
  matrix<W> base = random_matrix<W>(random, rows, cols, kind::normal, 0.02f);
  factors<revlora::bf16> first =
      random_factors<revlora::bf16>(random, rows, cols, 3, kind::normal, 0.1f, 0.5f);
  factors<float> second = random_factors<float>(random, rows, cols, 2, kind::normal, 0.1f, -0.5f);
  std::vector<low_rank> list{first.view(), second.view()};
  matrix<W> merged = base;
  undo_record record;

  void SetUp() override { revlora::merge(merged.view(), list, record); }

  testing::AssertionResult refused(revlora::adapter_list adapters, const std::string& pattern) {
    return refuses<record_refused>(merged, pattern,
                                   [&] { revlora::unmerge(merged.view(), adapters, record); });
  }
};
TYPED_TEST_SUITE(RecordRefusal, weight_types, weight_name);

TYPED_TEST(RecordRefusal, OfAnEmptyRecord) {
  this->record = undo_record();
  EXPECT_TRUE(this->refused(this->list, "empty"));
}

TYPED_TEST(RecordRefusal, OfAnotherShape) {
  for (const auto& [height, width] : {std::pair{34, 70}, {35, 69}, {70, 35}, {35, 71}}) {
    auto w = random_matrix<TypeParam>(this->random, height, width, kind::normal, 1);
    const auto adapter = random_factors<float>(this->random, height, width, 2, kind::normal, 1, 1);
    EXPECT_TRUE(refuses<record_refused>(w, "35.*70", [&] {
      revlora::unmerge(w.view(), {adapter.view(), adapter.view()}, this->record);
    }));
  }
}

TYPED_TEST(RecordRefusal, OfAnotherWeightType) {
  const auto try_with = [&]<class Other>(Other) {
    if (std::is_same_v<Other, TypeParam>) return;
    auto w = random_matrix<Other>(this->random, this->rows, this->cols, kind::normal, 1);
    const std::string here = type_name<Other>, there = type_name<TypeParam>;
    EXPECT_TRUE(refuses<record_refused>(w, here + ".*" + there + "|" + there + ".*" + here, [&] {
      revlora::unmerge(w.view(), this->list, this->record);
    }));
  };
  try_with(float{});
  try_with(revlora::f16{});
  try_with(revlora::bf16{});
}

TYPED_TEST(RecordRefusal, OfAnAdapterTrainedFurther) {
  this->first.b(34, 2).bits ^= 1;
  EXPECT_TRUE(this->refused(this->list, "adapter"));
  this->first.b(34, 2).bits ^= 1;
  this->second.a(1, 69) = std::nextafter(this->second.a(1, 69), 2.0f);
  EXPECT_TRUE(this->refused(this->list, "adapter"));
}

TYPED_TEST(RecordRefusal, OfAnotherStrength) {
  const low_rank stronger(this->second.b.view(), this->second.a.view(), -0.50000006f);
  EXPECT_TRUE(this->refused({this->first.view(), stronger}, "adapter|strength"));
}

TYPED_TEST(RecordRefusal, OfAnotherOrder) {
  EXPECT_TRUE(this->refused({this->second.view(), this->first.view()}, "order|adapter"));
}

TYPED_TEST(RecordRefusal, OfAnotherNumberOfAdapters) {
  EXPECT_TRUE(this->refused({}, "adapter"));
  EXPECT_TRUE(this->refused(this->first.view(), "adapter"));
  EXPECT_TRUE(
      this->refused({this->first.view(), this->second.view(), this->second.view()}, "adapter"));
}

TYPED_TEST(RecordRefusal, OfUnmergingTwice) {
  revlora::unmerge(this->merged.view(), this->list, this->record);
  ASSERT_TRUE(same_bits(this->base, this->merged));
  EXPECT_TRUE(this->refused(this->list, "already"));
}

// One bit of one weight, wherever it is: earlier panels may already have been restored when the
// change is noticed, and must be merged again.
TYPED_TEST(RecordRefusal, OfMergedWeightsThatSomebodyChanged) {
  for (const path<TypeParam>& p : paths<TypeParam>()) {
    for (std::ptrdiff_t i = 0; i < this->rows; ++i) {
      const std::ptrdiff_t j = i * 37 % this->cols;
      for (std::size_t bit = 0; bit < 8 * sizeof(TypeParam); ++bit) {
        const TypeParam x = this->merged(i, j);
        this->merged(i, j) = oracle::from_bits<TypeParam>(oracle::bits_of(x) ^ 1u << bit);
        ASSERT_TRUE(refuses<record_refused>(
            this->merged, "chang|modif|not the",
            [&] { p.restore(this->merged.view(), this->list, this->record, on_this_thread()); }))
            << p.name << ", bit " << bit << " of element (" << i << ", " << j << ")";
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
      ASSERT_TRUE(refuses<record_refused>(this->merged, "chang|modif|not the",
                                          [&] {
                                            paths<TypeParam>().back().restore(
                                                this->merged.view(), this->list, this->record, on);
                                          }))
          << "row " << i;
    }
    this->merged(i, 5) = x;
  }
}

TYPED_TEST(RecordRefusal, OfBytesCutShortOrTooLong) {
  const auto bytes = this->record.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_THROW(undo_record::from_bytes(bytes.first(size)), record_refused) << size << " bytes";
  }
  std::vector<std::byte> longer(bytes.begin(), bytes.end());
  longer.push_back(std::byte{0});
  ASSERT_THROW(undo_record::from_bytes(longer), record_refused);
  EXPECT_TRUE(refuses<record_refused>(this->merged, "truncated|damaged|incomplete|cut|short", [&] {
    undo_record::from_bytes(bytes.first(bytes.size() - 1));
  }));
}

TYPED_TEST(RecordRefusal, OfBytesWithAnyBitFlipped) {
  std::vector<std::byte> bytes(this->record.bytes().begin(), this->record.bytes().end());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] ^= std::byte{1} << bit;
      ASSERT_TRUE(refuses<record_refused>(this->merged, "damaged|version|not a|record",
                                          [&] { undo_record::from_bytes(bytes); }))
          << "bit " << bit << " of byte " << at;
      bytes[at] ^= std::byte{1} << bit;
    }
  }
  EXPECT_NO_THROW(undo_record::from_bytes(bytes));
}

}  // namespace
}  // namespace tests
