/* What every consumer of the library for C builds: merges with an undo record, unmerges, and looks
 * whether every bit is back. Prints the version, and by what it was computed. */
#include <revlora/revlora.h>
#include <stdio.h>
#include <string.h>

enum { rows = 37, cols = 101, rank = 5 };
static float weights[rows * cols], base[rows * cols], b[rows * rank], a[rank * cols];

static void fill(float* values, size_t count) {
  static unsigned int state = 1;
  size_t i;
  for (i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    values[i] = (float)(state >> 8) / 16777216 - 0.5F;
  }
}

int main(void) {
  revlora_matrix w = revlora_row_major(weights, REVLORA_FP32, rows, cols);
  revlora_matrix up = revlora_row_major(b, REVLORA_FP32, rows, rank);
  revlora_matrix down = revlora_row_major(a, REVLORA_FP32, rank, cols);
  revlora_adapters* adapters = revlora_adapters_create();
  revlora_record* record = revlora_record_create();
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  int merged, restored;
  fill(weights, rows * cols);
  fill(b, rows * rank);
  fill(a, rank * cols);
  memcpy(base, weights, sizeof base);

  if (revlora_adapters_add_low_rank(adapters, &up, &down, 2, &error) != REVLORA_OK ||
      revlora_merge(&w, NULL, adapters, record, NULL, NULL, &error) != REVLORA_OK)
    fprintf(stderr, "%s\n", error.text);
  merged = memcmp(weights, base, sizeof base) != 0;
  if (revlora_unmerge(&w, NULL, adapters, record, NULL, &error) != REVLORA_OK)
    fprintf(stderr, "%s\n", error.text);
  restored = memcmp(weights, base, sizeof base) == 0;
  printf("revlora %s, by librevlora for %s, %s, %s\n", revlora_version(),
         revlora_instruction_set(&error), merged ? "merged" : "not merged",
         restored ? "every bit is back" : "bits are lost");
  revlora_record_destroy(record);
  revlora_adapters_destroy(adapters);
  return merged && restored ? 0 : 1;
}
