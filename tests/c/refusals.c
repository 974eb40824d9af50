/* Every way to be refused that C has for itself, and some of the library's: a status, a text, and
 * all as it was. */
#include "check.h"
#include "scene.h"

static scene here;
static unsigned char place[largest_file], before[largest_file];

void refusals(const char* data) {
  read_scene(data, "bf16", &here);
  const revlora_matrix w = weights_at(place, REVLORA_BF16);
  const revlora_matrix *const b = &here.second[0], *const a = &here.second[1];
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_report report = REVLORA_REPORT_INITIALIZER;
  revlora_adapters* const list = adapters_of(&here, 0);
  revlora_adapters* const other = revlora_adapters_create();
  revlora_record* const record = revlora_record_create();
  memcpy(place, here.base.data, here.base.count);

  CHECK_REFUSED(revlora_unmerge(&w, NULL, list, record, NULL, &error), REVLORA_EMPTY_RECORD,
                "revlora: ");
  CHECK_DONE(revlora_merge(&w, NULL, list, record, NULL, NULL, &error));
  memcpy(before, place, sizeof place);

  /* strengths, counts, orders, adapters, recipes: the list is not what was merged */
  CHECK_REFUSED(revlora_unmerge(&w, NULL, other, record, NULL, &error), REVLORA_OTHER_COUNT, "");
  CHECK_DONE(revlora_adapters_add_low_rank(other, b, a, -0.0625, &error));
  CHECK_DONE(revlora_adapters_add_low_rank(other, &here.first[0], &here.first[1], 0.25, &error));
  CHECK_REFUSED(revlora_unmerge(&w, NULL, other, record, NULL, &error), REVLORA_OTHER_ORDER, "");
  CHECK_DONE(revlora_adapters_set_recipe(other, REVLORA_ROUNDED_DELTA, &error));
  CHECK_REFUSED(revlora_validate_unmerge(&w, NULL, other, record, NULL, &error),
                REVLORA_OTHER_RECIPE, "");
  CHECK_REFUSED(revlora_swap(&w, other, list, record, NULL, &report, &error), REVLORA_OTHER_RECIPE,
                "");
  CHECK_REFUSED(revlora_validate_swap(&w, other, list, record, NULL, &error), REVLORA_OTHER_RECIPE,
                "");
  CHECK(memcmp(place, before, sizeof place) == 0);
  CHECK(report.changed == 0);

  place[100] ^= 1;
  CHECK_REFUSED(revlora_unmerge(&w, NULL, list, record, NULL, &error), REVLORA_WEIGHTS_CHANGED, "");
  place[100] ^= 1;
  CHECK_DONE(revlora_unmerge(&w, NULL, list, record, NULL, &error));
  CHECK_REFUSED(revlora_unmerge(&w, NULL, list, record, NULL, &error), REVLORA_ALREADY_UNMERGED,
                "");

  /* bytes */
  size_t count = 0;
  static unsigned char stored[largest_file];
  const void* const made = revlora_record_bytes(record, &count);
  memcpy(stored, made, count);
  CHECK_REFUSED(revlora_record_from_bytes(record, stored, count - 1, &error), REVLORA_TRUNCATED, "");
  stored[count - 1] ^= 1;
  CHECK_REFUSED(revlora_record_from_bytes(record, stored, count, &error), REVLORA_DAMAGED, "");
  CHECK_REFUSED(revlora_record_from_bytes(record, "hello, world, this is no record", 31, &error),
                REVLORA_NOT_A_RECORD, "");
  CHECK(!revlora_record_is_empty(record));

  /* matrices and numbers */
  revlora_matrix wrong = w;
  wrong.data = NULL;
  CHECK_REFUSED(revlora_validate_merge(&wrong, NULL, list, &error), REVLORA_INVALID_INPUT,
                "W is 35×150 but its data is null");
  wrong = w;
  wrong.type = 256 + REVLORA_BF16;
  CHECK_REFUSED(revlora_merge(&wrong, NULL, list, NULL, NULL, NULL, &error), REVLORA_INVALID_INPUT,
                "W has an element type that does not exist, 258");
  wrong.type = -1;
  CHECK_REFUSED(revlora_adapters_add_low_rank(other, &wrong, a, 1, &error), REVLORA_INVALID_INPUT,
                "B has an element type that does not exist, -1");
  wrong = w;
  wrong.row_stride = 5;
  CHECK_REFUSED(revlora_merge(&wrong, NULL, list, NULL, NULL, NULL, &error), REVLORA_INVALID_INPUT,
                "shorter than its 150 columns");
  CHECK_REFUSED(revlora_merge(&w, &w, list, NULL, NULL, NULL, &error), REVLORA_INVALID_INPUT,
                "overlaps the source");
  CHECK_REFUSED(revlora_adapters_set_recipe(list, 3, &error), REVLORA_INVALID_INPUT,
                "there is no recipe 3");
  CHECK_REFUSED(revlora_adapters_set_recipe(list, -1, &error), REVLORA_INVALID_INPUT, "-1");

  /* scales: of 16 bits, of another shape, of a factor, of scales */
  const float ones[35] = {1};
  revlora_matrix scale = revlora_row_major_const(ones, REVLORA_FP32, 1, 1);
  wrong = w;
  wrong.scales = &scale;
  CHECK_REFUSED(revlora_validate_merge(&wrong, NULL, list, &error), REVLORA_INVALID_INPUT,
                "only weights of 8 bits");
  CHECK_REFUSED(revlora_adapters_add_low_rank(other, &wrong, a, 1, &error), REVLORA_INVALID_INPUT,
                "has scales, which only weights can have");
  scale.scales = &scale;
  CHECK_REFUSED(revlora_validate_merge(&wrong, NULL, list, &error), REVLORA_INVALID_INPUT,
                "the scales of W have scales themselves");
  scale.scales = NULL;
  scale.cols = 7;
  CHECK_REFUSED(revlora_validate_merge(&wrong, NULL, list, &error), REVLORA_INVALID_INPUT,
                "scales that are 1×7 do not fit");

  CHECK(revlora_adapters_count(other) == 2);
  revlora_record_destroy(record);
  revlora_adapters_destroy(other);
  revlora_adapters_destroy(list);
}
