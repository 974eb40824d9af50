/* The golden scene (tests/golden_scene.hpp), as its files in tests/data have it. */
#ifndef REVLORA_TESTS_SCENE_H
#define REVLORA_TESTS_SCENE_H

#include <revlora/revlora.h>

enum { scene_rows = 35, scene_cols = 150, largest_file = 1 << 16 };

typedef struct bytes {
  size_t count;
  unsigned char data[largest_file];
} bytes;

typedef struct scene {
  bytes base, first_b, first_a, second_b, second_a;
  revlora_matrix first[2], second[2]; /* B and A */
} scene;

/* Of the folder `data`; `type` is "bf16" or the like. */
bytes read_file(const char* data, const char* name);
void read_scene(const char* data, const char* type, scene* into);
/* As merged one after the other; or, with `families`, with LoHa between them in another order. */
revlora_adapters* adapters_of(const scene* of, int families);

extern const char* const type_names[5]; /* by revlora_element_type */
/* A matrix of the scene's shape. */
revlora_matrix weights_at(void* data, revlora_element_type type);

/* The tests, each of which ends the program where something is not as it should be. */
void golden(const char* data);
void verbs(const char* data);
void refusals(const char* data);
void null_arguments(const char* data);
void struct_sizes(const char* data);
void executors(const char* data);
void layout(const char* data);

#endif
