/* Callers that are older than the library or newer, or that forgot the size. */
#include <stdint.h>

#include "check.h"
#include "scene.h"

/* What a later version might have at the end of its structs. */
typedef struct newer_matrix {
  revlora_matrix known;
  uint64_t more;
} newer_matrix;
typedef struct newer_options {
  revlora_options known;
  uint64_t more;
} newer_options;
typedef struct newer_report {
  revlora_report known;
  uint64_t more;
} newer_report;
typedef struct longer_error {
  revlora_error known;
  char more[500];
} longer_error;

static scene here;
static const revlora_adapters* list;
static revlora_error error = REVLORA_ERROR_INITIALIZER;

static void is_refused(const revlora_matrix* w, const revlora_options* options,
                       revlora_report* report, const char* words) {
  const unsigned char first = here.base.data[0];
  CHECK_REFUSED(revlora_merge(w, NULL, list, NULL, options, report, &error), REVLORA_INVALID_INPUT,
                words);
  CHECK(here.base.data[0] == first);
}

static void of_matrices(void) {
  newer_matrix newer = {weights_at(here.base.data, REVLORA_FP32), 0};
  newer.known.size = 0;
  is_refused(&newer.known, NULL, NULL, "the size of W is 0: set it to that of its type");
  newer.known.size = sizeof(revlora_matrix) - 1;
  is_refused(&newer.known, NULL, NULL, "the size of W is 63");
  newer.known.size = SIZE_MAX; /* was never set */
  is_refused(&newer.known, NULL, NULL, "the size of W is 18446744073709551615");
  newer.known.size = sizeof newer;
  CHECK_DONE(revlora_validate_merge(&newer.known, NULL, list, &error));
  newer.more = (uint64_t)1 << 63;
  is_refused(&newer.known, NULL, NULL, "W asks for what this library does not know");
}

static void of_options(void) {
  const revlora_matrix w = weights_at(here.base.data, REVLORA_FP32);
  newer_options newer = {REVLORA_OPTIONS_INITIALIZER, 0};
  newer.known.threads = -1;
  is_refused(&w, &newer.known, NULL, "threads is -1");
  newer.known.threads = 1;
  newer.known.size -= 1;
  is_refused(&w, &newer.known, NULL, "the size of options is 39");
  newer.known.size = sizeof newer;
  newer.more = 1;
  is_refused(&w, &newer.known, NULL, "options asks for what this library does not know");
  newer.more = 0;
  CHECK_DONE(revlora_merge(&w, NULL, list, NULL, &newer.known, NULL, &error));
}

static void of_reports(void) {
  const revlora_matrix w = weights_at(here.base.data, REVLORA_FP32);
  newer_report newer = {REVLORA_REPORT_INITIALIZER, 42};
  newer.known.size = 8;
  is_refused(&w, NULL, &newer.known, "the size of report is 8");
  newer.known.size = sizeof newer;
  CHECK_DONE(revlora_merge(&w, NULL, list, NULL, NULL, &newer.known, &error));
  CHECK(newer.known.size == sizeof newer && newer.known.changed > 0 && newer.more == 0);
}

/* An error that cannot hold a text is the one thing that is refused without one. */
static void of_errors(void) {
  longer_error longer = {REVLORA_ERROR_INITIALIZER, {0}};
  memset(longer.known.text, 'x', sizeof longer.known.text);
  longer.known.size = 20;
  CHECK(revlora_validate_merge(NULL, NULL, list, &longer.known) == REVLORA_INVALID_INPUT);
  CHECK(longer.known.status == REVLORA_OK && longer.known.text[0] == 'x');
  CHECK(revlora_instruction_set(&longer.known) == NULL);
  longer.known.size = sizeof longer;
  CHECK(revlora_validate_merge(NULL, NULL, list, &longer.known) == REVLORA_INVALID_INPUT);
  CHECK(strcmp(longer.known.text, "revlora: W is null") == 0);
}

void struct_sizes(const char* data) {
  read_scene(data, "fp32", &here);
  revlora_adapters* const adapters = adapters_of(&here, 0);
  list = adapters;
  of_matrices();
  of_options();
  of_reports();
  of_errors();
  revlora_adapters_destroy(adapters);
}
