/* Merged weights and undo records are those of the C++ library, byte for byte, of every type, by
 * every recipe, in place and elsewhere, and lead back. */
#include "check.h"
#include "scene.h"

static int64_t differing(const bytes* one, const unsigned char* other) {
  const size_t size = one->count / (scene_rows * scene_cols);
  int64_t count = 0;
  for (size_t i = 0; i < one->count; i += size)
    count += memcmp(one->data + i, other + i, size) != 0;
  return count;
}

static void is_golden(const char* data, revlora_element_type type, const char* how,
                      const revlora_adapters* adapters, revlora_recipe recipe) {
  static scene here;
  static unsigned char place[largest_file], elsewhere[largest_file];
  char name[64];
  read_scene(data, type_names[type], &here);
  snprintf(name, sizeof name, "golden-scene/%s-%s.merged", type_names[type], how);
  const bytes merged = read_file(data, name);
  snprintf(name, sizeof name, "undo-record/%s-%s.record", type_names[type], how);
  const bytes stored = read_file(data, name);

  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_report report = REVLORA_REPORT_INITIALIZER;
  revlora_record* const record = revlora_record_create();
  CHECK(record != NULL);
  const revlora_matrix base = weights_at(here.base.data, type);
  const revlora_matrix w = weights_at(place, type), other = weights_at(elsewhere, type);

  CHECK_DONE(revlora_validate_merge(&base, &w, adapters, &error));
  CHECK_DONE(revlora_merge(&base, &w, adapters, record, NULL, &report, &error));
  CHECK(memcmp(place, merged.data, merged.count) == 0);
  CHECK(report.changed == differing(&here.base, merged.data));
  CHECK(report.became_not_finite > 0 || type == REVLORA_E4M3);
  size_t count = 0;
  const void* const made = revlora_record_bytes(record, &count);
  CHECK(count == stored.count && memcmp(made, stored.data, count) == 0);
  CHECK(!revlora_record_is_empty(record) && revlora_record_type(record) == type);
  CHECK(revlora_record_rows(record) == scene_rows && revlora_record_cols(record) == scene_cols);
  CHECK(revlora_record_recipe(record) == recipe);
  CHECK(revlora_record_fingerprints(record, &count) != NULL);
  CHECK(count == revlora_adapters_count(adapters));

  memcpy(place, here.base.data, here.base.count);
  CHECK_DONE(revlora_merge(&w, NULL, adapters, NULL, NULL, NULL, &error));
  CHECK(memcmp(place, merged.data, merged.count) == 0);

  revlora_record* const read = revlora_record_create();
  CHECK_DONE(revlora_record_from_bytes(read, stored.data, stored.count, &error));
  CHECK_DONE(revlora_validate_unmerge(&w, &other, adapters, read, NULL, &error));
  CHECK_DONE(revlora_unmerge(&w, &other, adapters, read, NULL, &error));
  CHECK(memcmp(elsewhere, here.base.data, here.base.count) == 0);
  CHECK_DONE(revlora_unmerge(&w, NULL, adapters, read, NULL, &error));
  CHECK(memcmp(place, here.base.data, here.base.count) == 0);
  revlora_record_destroy(read);
  revlora_record_destroy(record);
}

void golden(const char* data) {
  static scene here;
  read_scene(data, "fp32", &here); /* the factors are the same beside all types */
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_adapters* const list = adapters_of(&here, 0);
  revlora_adapters* const families = adapters_of(&here, 1);
  for (revlora_element_type type = REVLORA_FP32; type <= REVLORA_E5M2; ++type) {
    CHECK_DONE(revlora_adapters_set_recipe(list, REVLORA_FUSED, &error));
    is_golden(data, type, "fused", list, REVLORA_FUSED);
    is_golden(data, type, "families", families, REVLORA_FUSED);
    CHECK_DONE(revlora_adapters_set_recipe(list, REVLORA_ROUNDED_DELTA, &error));
    is_golden(data, type, "rounded_delta", list, REVLORA_ROUNDED_DELTA);
    if (type != REVLORA_E4M3) continue;
    CHECK_DONE(revlora_adapters_set_recipe(list, REVLORA_NAN, &error));
    is_golden(data, type, "nan", list, REVLORA_NAN);
  }
  revlora_adapters_destroy(families);
  revlora_adapters_destroy(list);
}
