/* Where the members of structs are, and how large, on machines of 64 bits: never to change within
 * librevlora.so.0.
 */
#include "check.h"
#include "scene.h"

#define AT(offset, bytes, type, member) \
  typedef char type##_##member          \
      [offsetof(type, member) == (offset) && sizeof(((type*)NULL)->member) == (bytes) ? 1 : -1]
#define OF_SIZE(bytes, type) typedef char type##_bytes[sizeof(type) == (bytes) ? 1 : -1]

AT(0, 8, revlora_matrix, size);
AT(8, 8, revlora_matrix, data);
AT(16, 4, revlora_matrix, type);
AT(24, 8, revlora_matrix, rows);
AT(32, 8, revlora_matrix, cols);
AT(40, 8, revlora_matrix, row_stride);
AT(48, 8, revlora_matrix, col_stride);
AT(56, 8, revlora_matrix, scales);
OF_SIZE(64, revlora_matrix);
AT(0, 8, revlora_report, size);
AT(8, 8, revlora_report, changed);
AT(16, 8, revlora_report, became_not_finite);
OF_SIZE(24, revlora_report);
AT(0, 8, revlora_executor, parallel_for);
AT(8, 8, revlora_executor, context);
OF_SIZE(16, revlora_executor);
AT(0, 8, revlora_options, size);
AT(8, 4, revlora_options, threads);
AT(16, 16, revlora_options, executor);
AT(32, 8, revlora_options, workspace);
OF_SIZE(40, revlora_options);
AT(0, 8, revlora_error, size);
AT(8, 4, revlora_error, status);
AT(12, 500, revlora_error, text);
OF_SIZE(512, revlora_error);

/* The numbers and names of statuses too. */
void layout(const char* data) {
  static const char* const names[] = {"ok",
                                      "invalid_input",
                                      "empty_record",
                                      "not_a_record",
                                      "other_version",
                                      "truncated",
                                      "damaged",
                                      "other_type",
                                      "other_shape",
                                      "other_scales",
                                      "other_recipe",
                                      "other_count",
                                      "other_order",
                                      "other_strength",
                                      "other_adapter",
                                      "weights_changed",
                                      "already_unmerged",
                                      "executor_failed",
                                      "out_of_memory",
                                      "impossible_instruction_set"};
  (void)data;
  for (revlora_status i = 0; i < 20; ++i) CHECK(strcmp(revlora_status_name(i), names[i]) == 0);
  CHECK(REVLORA_IMPOSSIBLE_INSTRUCTION_SET == 19);
  CHECK(strcmp(revlora_status_name(20), "unknown") == 0);
  CHECK(strcmp(revlora_status_name(-1), "unknown") == 0);
}
