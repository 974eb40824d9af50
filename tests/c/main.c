/* librevlora by a program in C99.
 *
 *   revlora_c_test FOLDER_OF_DATA VERSION    everything
 *   revlora_c_test FOLDER_OF_DATA            with REVLORA_ISA naming what is impossible */
#include "check.h"
#include "scene.h"

static void impossible_instruction_set(const char* data) {
  static scene here;
  read_scene(data, "fp32", &here);
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_adapters* const list = adapters_of(&here, 0);
  revlora_matrix w = weights_at(here.base.data, REVLORA_FP32);
  CHECK(revlora_instruction_set(&error) == NULL);
  CHECK_REFUSED(revlora_merge(&w, NULL, list, NULL, NULL, NULL, &error),
                REVLORA_IMPOSSIBLE_INSTRUCTION_SET, "REVLORA_ISA names");
  revlora_adapters_destroy(list);
  printf("refused: %s\n", error.text);
}

int main(int count, char** arguments) {
  CHECK(count > 1);
  const char* const data = arguments[1];
  if (count == 2) {
    impossible_instruction_set(data);
    return 0;
  }
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  CHECK(strcmp(revlora_version(), arguments[2]) == 0);
  CHECK(revlora_instruction_set(&error) != NULL && error.status == REVLORA_OK);
  layout(data);
  golden(data);
  verbs(data);
  refusals(data);
  null_arguments(data);
  struct_sizes(data);
  executors(data);
  printf("revlora %s by %s: as in C++\n", revlora_version(), revlora_instruction_set(NULL));
  return 0;
}
