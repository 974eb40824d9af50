/* Executors of the caller's: a loop, threads, and those that do not do their work. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "check.h"
#include "scene.h"

enum { thread_count = 3 };

typedef struct share {
  revlora_body* body;
  const void* work;
  ptrdiff_t first, count;
} share;

static void* run_share(void* of) {
  const share* const mine = of;
  for (ptrdiff_t i = mine->first; i < mine->count; i += thread_count) mine->body(mine->work, i);
  return NULL;
}

static void on_threads(void* calls, ptrdiff_t count, revlora_body* body, const void* work) {
  pthread_t threads[thread_count];
  share shares[thread_count];
  ++*(int*)calls;
  for (int i = 0; i < thread_count; ++i) {
    shares[i] = (share){body, work, i, count};
    CHECK(pthread_create(&threads[i], NULL, run_share, &shares[i]) == 0);
  }
  for (int i = 0; i < thread_count; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
}

static void backwards(void* calls, ptrdiff_t count, revlora_body* body, const void* work) {
  ++*(int*)calls;
  for (ptrdiff_t i = count; i > 0; --i) body(work, i - 1);
}

/* The weights of the scene are three panels; what packs factors is in more pieces. */
static void without_the_second(void* calls, ptrdiff_t count, revlora_body* body, const void* work) {
  ++*(int*)calls;
  for (ptrdiff_t i = 0; i < count; ++i)
    if (count != 3 || i != 1) body(work, i);
}

static scene here;
static unsigned char place[largest_file];

static void is_golden(const revlora_options* options, const revlora_adapters* list,
                      const bytes* merged, const bytes* stored) {
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_record* const record = revlora_record_create();
  const revlora_matrix w = weights_at(place, REVLORA_BF16);
  size_t count = 0;
  memcpy(place, here.base.data, here.base.count);
  CHECK_DONE(revlora_merge(&w, NULL, list, record, options, NULL, &error));
  CHECK(memcmp(place, merged->data, merged->count) == 0);
  const void* const made = revlora_record_bytes(record, &count);
  CHECK(count == stored->count && memcmp(made, stored->data, count) == 0);
  CHECK_DONE(revlora_unmerge(&w, NULL, list, record, options, &error));
  CHECK(memcmp(place, here.base.data, here.base.count) == 0);
  revlora_record_destroy(record);
}

static void is_noticed(const revlora_options* options, const revlora_adapters* list,
                       const bytes* merged) {
  revlora_error error = REVLORA_ERROR_INITIALIZER;
  revlora_record* const record = revlora_record_create();
  revlora_state state = REVLORA_STATE_OTHER;
  const revlora_matrix w = weights_at(place, REVLORA_BF16);
  memcpy(place, here.base.data, here.base.count);
  CHECK_REFUSED(revlora_merge(&w, NULL, list, record, options, NULL, &error),
                REVLORA_EXECUTOR_FAILED, "executor");
  CHECK(memcmp(place, here.base.data, here.base.count) == 0 && revlora_record_is_empty(record));
  CHECK_DONE(revlora_merge(&w, NULL, list, record, NULL, NULL, &error));
  CHECK_REFUSED(revlora_unmerge(&w, NULL, list, record, options, &error), REVLORA_EXECUTOR_FAILED,
                "");
  CHECK_REFUSED(revlora_state_of(&w, record, options, &state, &error), REVLORA_EXECUTOR_FAILED, "");
  CHECK(memcmp(place, merged->data, merged->count) == 0);
  /* Nothing leads back from this one, so the calling thread finishes it. */
  memcpy(place, here.base.data, here.base.count);
  CHECK_DONE(revlora_merge(&w, NULL, list, NULL, options, NULL, &error));
  CHECK(memcmp(place, merged->data, merged->count) == 0);
  revlora_record_destroy(record);
}

void executors(const char* data) {
  read_scene(data, "bf16", &here);
  const bytes merged = read_file(data, "golden-scene/bf16-fused.merged");
  const bytes stored = read_file(data, "undo-record/bf16-fused.record");
  revlora_adapters* const list = adapters_of(&here, 0);
  revlora_options options = REVLORA_OPTIONS_INITIALIZER;
  for (options.threads = 0; options.threads < 5; ++options.threads)
    is_golden(&options, list, &merged, &stored);
  int calls = 0;
  options.executor.context = &calls;
  options.executor.parallel_for = on_threads;
  is_golden(&options, list, &merged, &stored);
  CHECK(calls > 0);
  calls = 0;
  options.executor.parallel_for = backwards;
  is_golden(&options, list, &merged, &stored);
  CHECK(calls > 0);
  options.executor.parallel_for = without_the_second;
  is_noticed(&options, list, &merged);
  revlora_adapters_destroy(list);
}
