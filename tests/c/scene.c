#include "scene.h"

#include "check.h"

const char* const type_names[5] = {"fp32", "fp16", "bf16", "e4m3", "e5m2"};

bytes read_file(const char* data, const char* name) {
  static bytes read;
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", data, name);
  FILE* const file = fopen(path, "rb");
  CHECK(file != NULL);
  read.count = fread(read.data, 1, sizeof read.data, file);
  CHECK(read.count > 0 && read.count < sizeof read.data);
  fclose(file);
  return read;
}

void read_scene(const char* data, const char* type, scene* into) {
  char name[64];
  snprintf(name, sizeof name, "golden-scene/%s.base", type);
  into->base = read_file(data, name);
  into->first_b = read_file(data, "golden-scene/first.b");
  into->first_a = read_file(data, "golden-scene/first.a");
  into->second_b = read_file(data, "golden-scene/second.b");
  into->second_a = read_file(data, "golden-scene/second.a");
  into->first[0] = revlora_row_major_const(into->first_b.data, REVLORA_BF16, scene_rows, 5);
  into->first[1] = revlora_row_major_const(into->first_a.data, REVLORA_BF16, 5, scene_cols);
  into->second[0] = revlora_row_major_const(into->second_b.data, REVLORA_FP32, scene_rows, 3);
  into->second[1] = revlora_row_major_const(into->second_a.data, REVLORA_FP32, 3, scene_cols);
}

revlora_adapters* adapters_of(const scene* of, int families) {
  const revlora_matrix *const first = of->first, *const second = of->second;
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_adapters* const adapters = revlora_adapters_create();
  CHECK(adapters != NULL);
  if (families) {
    CHECK_DONE(revlora_adapters_add_low_rank(adapters, &second[0], &second[1], -0.0625, &error));
    CHECK_DONE(revlora_adapters_add_hadamard(adapters, &first[0], &first[1], &first[0], &first[1],
                                             0.25, &error));
    CHECK_DONE(revlora_adapters_add_low_rank(adapters, &first[0], &first[1], 0.25, &error));
    CHECK(revlora_adapters_count(adapters) == 3);
  } else {
    CHECK_DONE(revlora_adapters_add_low_rank(adapters, &first[0], &first[1], 0.25, &error));
    CHECK_DONE(revlora_adapters_add_low_rank(adapters, &second[0], &second[1], -0.0625, &error));
    CHECK(revlora_adapters_count(adapters) == 2);
  }
  return adapters;
}

revlora_matrix weights_at(void* data, revlora_element_type type) {
  return revlora_row_major(data, type, scene_rows, scene_cols);
}
