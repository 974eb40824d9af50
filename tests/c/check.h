/* What every test here says where something is not as it should be. */
#ifndef REVLORA_TESTS_CHECK_H
#define REVLORA_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) {                                                   \
      fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                            \
    }                                                                     \
  } while (0)

/* That a call ends with a status, and what it says has these words. */
#define CHECK_REFUSED(call, expected, words)                                                    \
  do {                                                                                          \
    const revlora_status returned = (call);                                                     \
    if (returned != (expected) || error.status != (expected) || !strstr(error.text, (words))) { \
      fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call,                         \
              revlora_status_name(returned), error.text);                                       \
      exit(1);                                                                                  \
    }                                                                                           \
  } while (0)
#define CHECK_DONE(call)                 \
  do {                                   \
    CHECK_REFUSED(call, REVLORA_OK, ""); \
    CHECK(error.text[0] == '\0');        \
  } while (0)

#endif
