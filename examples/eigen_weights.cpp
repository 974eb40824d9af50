// Weights and factors in Eigen's matrices, without a copy. Eigen is column-major unless told
// otherwise, revlora changes rows: of column-major weights it is given the transpose, and of the
// adapter too. The bits are those of the same weights stored row-major.
#include <Eigen/Core>
#include <cmath>
#include <cstdio>
#include <revlora/revlora.hpp>

using column_major = Eigen::Matrix<Eigen::bfloat16, Eigen::Dynamic, Eigen::Dynamic>;
using row_major = Eigen::Matrix<Eigen::bfloat16, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

int main() {
  constexpr Eigen::Index d_out = 384, d_in = 256, rank = 16;
  const Eigen::MatrixXf base = 0.03f * Eigen::MatrixXf::Random(d_out, d_in);
  const Eigen::MatrixXf B = 0.02f * Eigen::MatrixXf::Random(d_out, rank);
  const Eigen::MatrixXf A = 0.03f * Eigen::MatrixXf::Random(rank, d_in);
  const float strength = 2;
  const revlora::low_rank adapter(B, A, strength);

  const column_major original = base.cast<Eigen::bfloat16>();
  row_major by_rows = original;
  revlora::undo_record record_by_rows;
  revlora::merge(revlora::matrix_view(by_rows), adapter, record_by_rows);

  column_major by_columns = original;
  const auto transposed = revlora::matrix_view(by_columns).transposed();
  revlora::undo_record record;
  revlora::merge(transposed, adapter.transposed(), record);
  const bool same = by_columns == by_rows;

  // Eigen sums in an order of its own, so a weight may be rounded to a neighbour.
  const column_major by_eigen =
      (original.cast<float>() + strength * (B * A)).cast<Eigen::bfloat16>();
  const Eigen::ArrayXXf difference = by_columns.cast<float>() - by_eigen.cast<float>();
  const auto unequal = (difference != 0).count();
  const bool close = difference.abs().maxCoeff() <= std::ldexp(1.0f, -12);  // ulp of 1/32 … 1/16

  // A block of a matrix is a view too: half of the rows, with their half of the adapter.
  const auto upper = revlora::matrix_view(by_rows.topRows(d_out / 2));
  revlora::unmerge(revlora::matrix_view(by_rows), adapter, record_by_rows);
  revlora::merge(upper, adapter.row_slice(0, d_out / 2));
  const bool block = by_rows.topRows(d_out / 2) == by_columns.topRows(d_out / 2) &&
                     by_rows.bottomRows(d_out / 2) == original.bottomRows(d_out / 2);

  revlora::unmerge(transposed, adapter.transposed(), record);
  const bool restored = by_columns == original;
  std::printf("column-major %s row-major; ", same ? "has the bits of" : "DIFFERS from");
  std::printf("%td of %td weights are rounded otherwise by Eigen's product; ", unequal,
              original.size());
  std::printf("%s\n", restored ? "every bit is back" : "BITS CHANGED");
  return same && close && block && restored ? 0 : 1;
}
