// The forms of the verbs that return what is wrong: a code, a text, and everything as it was.
#include "paths.hpp"
#include "values.hpp"

namespace tests {
namespace {

using revlora::refusal;
using revlora::undo_record;

TEST(Refusal, HasAName) {
#define EXPECT_NAME(value) EXPECT_STREQ(name_of(refusal::value), #value)
  EXPECT_NAME(none);
  EXPECT_NAME(invalid_input);
  EXPECT_NAME(empty_record);
  EXPECT_NAME(not_a_record);
  EXPECT_NAME(other_version);
  EXPECT_NAME(truncated);
  EXPECT_NAME(damaged);
  EXPECT_NAME(other_type);
  EXPECT_NAME(other_shape);
  EXPECT_NAME(other_scales);
  EXPECT_NAME(other_recipe);
  EXPECT_NAME(other_count);
  EXPECT_NAME(other_order);
  EXPECT_NAME(other_strength);
  EXPECT_NAME(other_adapter);
  EXPECT_NAME(weights_changed);
  EXPECT_NAME(already_unmerged);
  EXPECT_NAME(executor_failed);
  EXPECT_NAME(out_of_memory);
#undef EXPECT_NAME
}

template <class W>
class Attempt : public testing::Test {
 protected:
  engine random{1};
  const matrix<W> base = random_matrix<W>(random, 35, 140, kind::normal, 0.02f);
  const factors<float> first = random_factors<float>(random, 35, 140, 3, kind::normal, 0.1f, 0.5f);
  const factors<float> second = random_factors<float>(random, 35, 140, 2, kind::normal, 0.1f, 0.5f);
};
TYPED_TEST_SUITE(Attempt, weight_types, weight_name);

TYPED_TEST(Attempt, DoesWhatTheOtherFormDoes) {
  matrix<TypeParam> w = this->base, expected = this->base;
  undo_record record, expected_record;
  const auto report = revlora::merge(expected.view(), this->first.view(), expected_record);
  const revlora::attempt tried = revlora::try_merge(w.view(), this->first.view(), record);
  ASSERT_TRUE(tried) << tried.text();
  EXPECT_EQ(tried.report, report);
  ASSERT_TRUE(same_bits(expected, w));
  ASSERT_TRUE(same_bytes(expected_record.bytes(), record.bytes()));
  ASSERT_TRUE(revlora::try_swap(w.view(), this->first.view(), this->second.view(), record));
  ASSERT_TRUE(revlora::try_unmerge(w.view(), this->second.view(), record));
  ASSERT_TRUE(same_bits(this->base, w));
  ASSERT_TRUE(revlora::try_subtract(w.view(), this->first.view()));
  expected = this->base;
  revlora::subtract(expected.view(), this->first.view());
  ASSERT_TRUE(same_bits(expected, w));
}

TYPED_TEST(Attempt, SaysWhatIsWrong) {
  matrix<TypeParam> w = this->base;
  undo_record record;
  const revlora::attempt wrong =
      revlora::try_merge(w.view(), this->first.view().row_slice(0, 5), record);
  EXPECT_EQ(wrong.reason(), refusal::invalid_input);
  EXPECT_EQ(wrong.text(), "revlora: adapter 0 is for a 5×140 weight, W is 35×140");
  EXPECT_EQ(wrong.report, revlora::merge_report());
  EXPECT_TRUE(record.empty());
  EXPECT_EQ(revlora::try_unmerge(w.view(), this->first.view(), record).reason(),
            refusal::empty_record);
  ASSERT_TRUE(revlora::try_merge(w.view(), this->first.view(), record));
  const matrix<TypeParam> merged = w;
  EXPECT_EQ(revlora::try_unmerge(w.view(), this->second.view(), record).reason(),
            refusal::other_adapter);
  EXPECT_EQ(revlora::try_swap(w.view(), this->second.view(), {}, record).reason(),
            refusal::other_adapter);
  ASSERT_TRUE(same_bits(merged, w));
  w(20, 7) = oracle::from_bits<TypeParam>(oracle::bits_of(w(20, 7)) ^ 1);
  EXPECT_EQ(revlora::try_unmerge(w.view(), this->first.view(), record).reason(),
            refusal::weights_changed);
  std::vector<std::byte> bytes = record.to_bytes();
  bytes.back() ^= std::byte{1};
  undo_record other = record;
  EXPECT_EQ(undo_record::try_from_bytes(bytes, other).reason(), refusal::damaged);
  ASSERT_TRUE(same_bytes(record.bytes(), other.bytes()));
}

TYPED_TEST(Attempt, ToSwapNothingWithAFreshRecordIsAMerge) {
  matrix<TypeParam> w = this->base, expected = this->base;
  undo_record record, expected_record;
  const auto report = revlora::merge(expected.view(), this->first.view(), expected_record);
  EXPECT_TRUE(revlora::validate(w.view(), {}, this->first.view(), record));
  EXPECT_EQ(revlora::swap(w.view(), {}, this->first.view(), record), report);
  ASSERT_TRUE(same_bits(expected, w));
  ASSERT_TRUE(same_bytes(expected_record.bytes(), record.bytes()));
  undo_record fresh;
  EXPECT_EQ(revlora::try_swap(w.view(), this->first.view(), {}, fresh).reason(),
            refusal::empty_record);
  revlora::swap(w.view(), this->first.view(), {}, record);
  ASSERT_TRUE(same_bits(this->base, w));
}

}  // namespace
}  // namespace tests
