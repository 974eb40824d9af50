// The library in two translation units of one program; also the shortest calls there are.
#include <gtest/gtest.h>

#include "revlora/revlora.hpp"

/// two_units_other.cpp: merges 2 · (1, 1)ᵀ · (1, 2) into a 2 × 2 matrix and back.
void merge_and_unmerge_elsewhere(float* w);

namespace {

TEST(TwoUnits, LinkAndAgree) {
  float w[] = {1, 2, 3, 4}, elsewhere[] = {1, 2, 3, 4};
  const float b[] = {1, 1}, a[] = {1, 2};
  const revlora::low_rank adapter(revlora::matrix_view(b, 2, 1), revlora::matrix_view(a, 1, 2),
                                  2.0f);
  revlora::undo_record record;
  EXPECT_EQ(revlora::merge(revlora::matrix_view(w, 2, 2), adapter, record).became_not_finite, 0);
  EXPECT_EQ(w[3], 8.0f);
  revlora::unmerge(revlora::matrix_view(w, 2, 2), adapter, record);
  EXPECT_EQ(w[3], 4.0f);
  merge_and_unmerge_elsewhere(elsewhere);
  EXPECT_EQ(elsewhere[3], 4.0f);
}

}  // namespace
