/* Null where a pointer is needed is refused by name, and asked nothing of. */
#include "check.h"
#include "scene.h"

void null_arguments(const char* data) {
  static scene here;
  read_scene(data, "fp32", &here);
  const revlora_matrix w = weights_at(here.base.data, REVLORA_FP32);
  const revlora_matrix *const b = &here.second[0], *const a = &here.second[1];
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_state state = REVLORA_STATE_OTHER;
  revlora_adapters* const list = adapters_of(&here, 0);
  revlora_record* const record = revlora_record_create();
#define CHECK_NULL(call, name) CHECK_REFUSED(call, REVLORA_INVALID_INPUT, name " is null")

  CHECK_NULL(revlora_merge(NULL, NULL, list, record, NULL, NULL, &error), "W");
  CHECK_NULL(revlora_merge(&w, NULL, NULL, record, NULL, NULL, &error), "the list of adapters");
  CHECK_NULL(revlora_subtract(NULL, NULL, list, NULL, NULL, &error), "W");
  CHECK_NULL(revlora_subtract(&w, NULL, NULL, NULL, NULL, &error), "the list of adapters");
  CHECK_NULL(revlora_unmerge(NULL, NULL, list, record, NULL, &error), "W");
  CHECK_NULL(revlora_unmerge(&w, NULL, NULL, record, NULL, &error), "the list of adapters");
  CHECK_NULL(revlora_unmerge(&w, NULL, list, NULL, NULL, &error), "the record");
  CHECK_NULL(revlora_swap(NULL, list, list, record, NULL, NULL, &error), "W");
  CHECK_NULL(revlora_swap(&w, NULL, list, record, NULL, NULL, &error), "merged adapters");
  CHECK_NULL(revlora_swap(&w, list, NULL, record, NULL, NULL, &error), "wanted adapters");
  CHECK_NULL(revlora_swap(&w, list, list, NULL, NULL, NULL, &error), "the record");
  CHECK_NULL(revlora_validate_merge(NULL, NULL, list, &error), "W");
  CHECK_NULL(revlora_validate_merge(&w, NULL, NULL, &error), "the list of adapters");
  CHECK_NULL(revlora_validate_unmerge(NULL, NULL, list, record, NULL, &error), "W");
  CHECK_NULL(revlora_validate_unmerge(&w, NULL, NULL, record, NULL, &error),
             "the list of adapters");
  CHECK_NULL(revlora_validate_unmerge(&w, NULL, list, NULL, NULL, &error), "the record");
  CHECK_NULL(revlora_validate_swap(NULL, list, list, record, NULL, &error), "W");
  CHECK_NULL(revlora_validate_swap(&w, NULL, list, record, NULL, &error), "merged adapters");
  CHECK_NULL(revlora_validate_swap(&w, list, NULL, record, NULL, &error), "wanted adapters");
  CHECK_NULL(revlora_validate_swap(&w, list, list, NULL, NULL, &error), "the record");
  CHECK_NULL(revlora_state_of(NULL, record, NULL, &state, &error), "W");
  CHECK_NULL(revlora_state_of(&w, NULL, NULL, &state, &error), "the record");
  CHECK_NULL(revlora_state_of(&w, record, NULL, NULL, &error), "the place for the state");
  CHECK_NULL(revlora_adapters_add_low_rank(NULL, b, a, 1, &error), "the list of adapters");
  CHECK_NULL(revlora_adapters_add_low_rank(list, NULL, a, 1, &error), "B");
  CHECK_NULL(revlora_adapters_add_low_rank(list, b, NULL, 1, &error), "A");
  CHECK_NULL(revlora_adapters_add_hadamard(NULL, b, a, b, a, 1, &error), "the list of adapters");
  CHECK_NULL(revlora_adapters_add_hadamard(list, NULL, a, b, a, 1, &error), "B1");
  CHECK_NULL(revlora_adapters_add_hadamard(list, b, NULL, b, a, 1, &error), "A1");
  CHECK_NULL(revlora_adapters_add_hadamard(list, b, a, NULL, a, 1, &error), "B2");
  CHECK_NULL(revlora_adapters_add_hadamard(list, b, a, b, NULL, 1, &error), "A2");
  CHECK_NULL(revlora_adapters_set_recipe(NULL, REVLORA_FUSED, &error), "the list of adapters");
  CHECK_NULL(revlora_record_copy(NULL, record, &error), "the record to copy");
  CHECK_NULL(revlora_record_copy(record, NULL, &error), "the record to copy to");
  CHECK_NULL(revlora_record_from_bytes(NULL, "", 0, &error), "the record");
  CHECK_NULL(revlora_record_from_bytes(record, NULL, 5, &error), "the record's bytes");
  CHECK(revlora_adapters_count(list) == 2);

  /* What asks or frees has no error to say it in: null is empty. */
  for (const revlora_record* each = record;; each = NULL) {
    size_t count = 7;
    CHECK(revlora_record_bytes(each, &count) == NULL && count == 0);
    CHECK(revlora_record_bytes(each, NULL) == NULL);
    count = 7;
    CHECK(revlora_record_fingerprints(each, &count) == NULL && count == 0);
    CHECK(revlora_record_is_empty(each) == 1 && revlora_record_type(each) == REVLORA_FP32);
    CHECK(revlora_record_rows(each) == 0 && revlora_record_cols(each) == 0);
    CHECK(revlora_record_recipe(each) == REVLORA_FUSED);
    if (each == NULL) break;
  }
  CHECK(revlora_adapters_count(NULL) == 0);
  revlora_adapters_clear(NULL);
  revlora_adapters_destroy(NULL);
  revlora_record_destroy(NULL);
  revlora_workspace_destroy(NULL);

  /* Without an error there is what is returned. */
  CHECK(revlora_merge(NULL, NULL, list, record, NULL, NULL, NULL) == REVLORA_INVALID_INPUT);
  revlora_record_destroy(record);
  revlora_adapters_destroy(list);
}
