#include "revlora/revlora.hpp"

void merge_and_unmerge_elsewhere(float* w) {
  const float b[] = {1, 1}, a[] = {1, 2};
  const revlora::low_rank adapter(revlora::matrix_view(b, 2, 1), revlora::matrix_view(a, 1, 2),
                                  2.0f);
  revlora::undo_record record;
  revlora::merge(revlora::matrix_view(w, 2, 2), adapter, record);
  revlora::unmerge(revlora::matrix_view(w, 2, 2), adapter, record);
}
