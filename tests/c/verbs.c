/* What has no golden file: swap, subtract, states, copies of records, strides, scales. */
#include "check.h"
#include "scene.h"

static scene here;
static unsigned char place[largest_file], expected[largest_file];

static int are_same(const revlora_record* one, const revlora_record* other) {
  size_t first = 0, second = 0;
  const void* const left = revlora_record_bytes(one, &first);
  const void* const right = revlora_record_bytes(other, &second);
  return first == second && memcmp(left, right, first) == 0;
}

static revlora_state state_of(const revlora_matrix* w, const revlora_record* record) {
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_state state = -1;
  CHECK_DONE(revlora_state_of(w, record, NULL, &state, &error));
  return state;
}

static void swaps(const char* data) {
  read_scene(data, "bf16", &here);
  const revlora_matrix w = weights_at(place, REVLORA_BF16);
  const revlora_matrix other = weights_at(expected, REVLORA_BF16);
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_report report = REVLORA_REPORT_INITIALIZER, fresh_report = REVLORA_REPORT_INITIALIZER;
  revlora_adapters* const list = adapters_of(&here, 0);
  revlora_adapters* const families = adapters_of(&here, 1);
  revlora_adapters* const none = revlora_adapters_create();
  revlora_record* const record = revlora_record_create();
  revlora_record* const fresh = revlora_record_create();
  revlora_workspace* const workspace = revlora_workspace_create();
  revlora_options options = REVLORA_OPTIONS_INITIALIZER;
  options.threads = 2;
  options.workspace = workspace;

  memcpy(place, here.base.data, here.base.count);
  memcpy(expected, here.base.data, here.base.count);
  CHECK_DONE(revlora_merge(&other, NULL, families, fresh, &options, &fresh_report, &error));
  CHECK_DONE(revlora_swap(&w, none, list, record, &options, &report, &error));
  CHECK(state_of(&w, record) == REVLORA_STATE_MERGED);
  CHECK_DONE(revlora_validate_swap(&w, list, families, record, &options, &error));
  CHECK(!are_same(fresh, record));
  CHECK_DONE(revlora_swap(&w, list, families, record, &options, &report, &error));
  CHECK(memcmp(place, expected, here.base.count) == 0 && are_same(fresh, record));
  CHECK(report.became_not_finite == fresh_report.became_not_finite);

  CHECK_DONE(revlora_record_copy(record, fresh, &error));
  CHECK(are_same(fresh, record));
  CHECK_DONE(revlora_swap(&w, families, none, record, NULL, NULL, &error));
  CHECK(memcmp(place, here.base.data, here.base.count) == 0);
  CHECK(state_of(&w, fresh) == REVLORA_STATE_BASE);
  place[0] ^= 1;
  CHECK(state_of(&w, fresh) == REVLORA_STATE_OTHER);

  CHECK(revlora_adapters_count(list) == 2);
  revlora_adapters_clear(list);
  CHECK(revlora_adapters_count(list) == 0);
  revlora_workspace_destroy(workspace);
  revlora_record_destroy(fresh);
  revlora_record_destroy(record);
  revlora_adapters_destroy(none);
  revlora_adapters_destroy(families);
  revlora_adapters_destroy(list);
}

/* Powers of two, so that every sum is exact; rows apart in memory, and a factor column-major. */
static void subtracts_and_strides(void) {
  float w[2][4] = {{1, 2, 3, 99}, {4, 5, 6, 99}}, elsewhere[2][3] = {{0}};
  const float b[2] = {1, 2}, a[6] = {1, 7, 2, 7, 4, 7};
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_report report = REVLORA_REPORT_INITIALIZER;
  revlora_matrix weights = revlora_row_major(w, REVLORA_FP32, 2, 3);
  weights.row_stride = 4;
  const revlora_matrix to = revlora_row_major(elsewhere, REVLORA_FP32, 2, 3);
  const revlora_matrix up = revlora_row_major_const(b, REVLORA_FP32, 2, 1);
  revlora_matrix down = revlora_row_major_const(a, REVLORA_FP32, 1, 3);
  down.row_stride = 1;
  down.col_stride = 2;
  revlora_adapters* const adapters = revlora_adapters_create();
  CHECK_DONE(revlora_adapters_add_low_rank(adapters, &up, &down, 0.5, &error));
  CHECK_DONE(revlora_merge(&weights, NULL, adapters, NULL, NULL, &report, &error));
  const float merged[2][4] = {{1.5F, 3, 5, 99}, {5, 7, 10, 99}};
  CHECK(memcmp(w, merged, sizeof w) == 0);
  CHECK(report.changed == 6 && report.became_not_finite == 0);
  CHECK_DONE(revlora_subtract(&weights, &to, adapters, NULL, &report, &error));
  const float base[2][3] = {{1, 2, 3}, {4, 5, 6}};
  CHECK(memcmp(elsewhere, base, sizeof base) == 0 && memcmp(w, merged, sizeof w) == 0);
  CHECK_DONE(revlora_subtract(&weights, NULL, adapters, NULL, &report, &error));
  CHECK(w[0][0] == 1 && w[1][2] == 6 && w[1][3] == 99 && report.changed == 6);
  revlora_adapters_destroy(adapters);
}

/* 0x38 is 1 of e4m3, 0x40 is 2: D = 4 of a weight whose scale is 4 is 1. */
static void scales(void) {
  unsigned char w[1] = {0x38};
  const float b = 4, a = 1, four = 4;
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  const revlora_matrix scale = revlora_row_major_const(&four, REVLORA_FP32, 1, 1);
  revlora_matrix weights = revlora_row_major(w, REVLORA_E4M3, 1, 1);
  weights.scales = &scale;
  const revlora_matrix up = revlora_row_major_const(&b, REVLORA_FP32, 1, 1);
  const revlora_matrix down = revlora_row_major_const(&a, REVLORA_FP32, 1, 1);
  revlora_adapters* const adapters = revlora_adapters_create();
  CHECK_DONE(revlora_adapters_add_low_rank(adapters, &up, &down, 1, &error));
  CHECK_DONE(revlora_merge(&weights, NULL, adapters, NULL, NULL, NULL, &error));
  CHECK(w[0] == 0x40);
  revlora_adapters_destroy(adapters);
}

void verbs(const char* data) {
  swaps(data);
  subtracts_and_strides();
  scales();
}
