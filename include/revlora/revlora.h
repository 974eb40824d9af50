/** \file
 * revlora for C, and for every language that can call C: the library librevlora.
 *
 *     revlora_matrix W = revlora_row_major(weights, REVLORA_BF16, d_out, d_in);
 *     revlora_matrix B = revlora_row_major_const(b, REVLORA_FP32, d_out, r);
 *     revlora_matrix A = revlora_row_major_const(a, REVLORA_FP32, r, d_in);
 *     revlora_error error = REVLORA_ERROR_INITIALIZER;
 *     revlora_adapters* adapters = revlora_adapters_create();
 *     revlora_record* record = revlora_record_create();
 *     if (revlora_adapters_add_low_rank(adapters, &B, &A, alpha / r, &error) != REVLORA_OK ||
 *         revlora_merge(&W, NULL, adapters, record, NULL, NULL, &error) != REVLORA_OK)
 *       fprintf(stderr, "%s\n", error.text);                        // W = round(W + s*B*A)
 *     revlora_unmerge(&W, NULL, adapters, record, NULL, &error);    // every bit as before
 *
 * The bits are those of the C++ library, and so are the promises (revlora.hpp): exact undo, records
 * that are the same everywhere, refusals by name, all or nothing. Weights are read and written
 * where they lie; nothing is copied. The kernels are those for the best instruction set of the
 * machine, or of the one that the environment variable REVLORA_ISA names (dispatch.hpp).
 *
 * Errors. A call returns what is wrong, before it has written anything; if it shows only during the
 * work, all is taken back first. The text is in a revlora_error of the caller's, if one was passed.
 * Nothing is thrown through these functions, and nothing aborts. Null where a pointer is needed and
 * numbers that no enumeration here has are REVLORA_INVALID_INPUT.
 *
 * Memory. Structs are the caller's. What `_create` returns is freed by `_destroy`, which takes NULL
 * too. What is passed as data must outlive the calls that use it: a list of adapters views factors
 * and does not copy them.
 *
 * Threads. Nothing here is global. Different matrices may be worked on from different threads at a
 * time. A record, a list that is being added to, a workspace and an error are for one thread at a
 * time; records and lists that are only read are for any number.
 *
 * After fork(), say `threads = 1` in the child, or bring an executor: where the parent has had a
 * team of OpenMP's, a call that wants one in the child waits forever for threads that fork did not
 * copy.
 *
 * Binary compatibility. Within librevlora.so.0 functions and numbers are only added, and structs
 * grow at their end only. Each struct begins with its size as the caller knows it, so both sides
 * know how much there is: a library reads what an older caller has as if the rest were zero, and
 * refuses what a newer caller asks for beyond what it knows, unless that is zero.
 */
#ifndef REVLORA_REVLORA_H
#define REVLORA_REVLORA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** What librevlora exports. */
#if defined(__GNUC__)
#define REVLORA_C_API __attribute__((visibility("default")))
#else
#define REVLORA_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- numbers --------------------------------------------------------------------------------- */

/** What a call says: REVLORA_OK or what is wrong. The numbers are fixed. */
typedef int32_t revlora_status;
enum {
  REVLORA_OK = 0,                /**< it was done */
  REVLORA_INVALID_INPUT = 1,     /**< the arguments of the call cannot be used */
  REVLORA_EMPTY_RECORD = 2,      /**< no merge has filled the record */
  REVLORA_NOT_A_RECORD = 3,      /**< the bytes are something else */
  REVLORA_OTHER_VERSION = 4,     /**< of the record's format: from the future, or too old */
  REVLORA_TRUNCATED = 5,         /**< bytes of the record are missing at the end */
  REVLORA_DAMAGED = 6,           /**< the bytes of the record were changed */
  REVLORA_OTHER_TYPE = 7,        /**< of the weights than the record's */
  REVLORA_OTHER_SHAPE = 8,       /**< of the weights */
  REVLORA_OTHER_SCALES = 9,      /**< of the weights */
  REVLORA_OTHER_RECIPE = 10,     /**< the adapters were merged by another one */
  REVLORA_OTHER_COUNT = 11,      /**< of adapters */
  REVLORA_OTHER_ORDER = 12,      /**< of the same adapters */
  REVLORA_OTHER_STRENGTH = 13,   /**< of the same factors */
  REVLORA_OTHER_ADAPTER = 14,    /**< other factors, or the same ones trained further */
  REVLORA_WEIGHTS_CHANGED = 15,  /**< W is not what the record starts from */
  REVLORA_ALREADY_UNMERGED = 16, /**< W is at the base */
  REVLORA_EXECUTOR_FAILED = 17,  /**< it threw, left pieces of work undone, or did them twice */
  REVLORA_OUT_OF_MEMORY = 18,    /**< there was not enough */
  REVLORA_IMPOSSIBLE_INSTRUCTION_SET = 19 /**< REVLORA_ISA names what does not run here */
};

/** How a number is stored. The numbers are those in undo records. */
typedef int32_t revlora_element_type;
enum {
  REVLORA_FP32 = 0, /**< IEEE binary32 */
  REVLORA_FP16 = 1, /**< IEEE binary16 */
  REVLORA_BF16 = 2, /**< bfloat16 */
  REVLORA_E4M3 = 3, /**< 8 bits, no infinity ("FN") */
  REVLORA_E5M2 = 4  /**< 8 bits */
};

/** How the sum of the adapters is added to the weights. The numbers are those in undo records. */
typedef int32_t revlora_recipe;
enum {
  REVLORA_FUSED = 0,         /**< round(x + D); e4m3 saturates. What a list has at first */
  REVLORA_ROUNDED_DELTA = 1, /**< round(x + round(D)) */
  REVLORA_NAN = 2            /**< as fused, but what e4m3 has no number for becomes NaN */
};

/** What a matrix is to an undo record. */
typedef int32_t revlora_state;
enum {
  REVLORA_STATE_BASE = 0,   /**< what the record leads back to */
  REVLORA_STATE_MERGED = 1, /**< what the record starts from */
  REVLORA_STATE_OTHER = 2   /**< neither */
};

/* ---- structs --------------------------------------------------------------------------------- */

/**
 * A matrix somewhere in memory: weights W (d_out x d_in), or a factor. Weights are row-major
 * (col_stride 1); factors may be row-major or column-major.
 */
typedef struct revlora_matrix {
  size_t size;               /**< sizeof(revlora_matrix) */
  void* data;                /**< element (0, 0); not written through where W is only read */
  revlora_element_type type; /**< of the elements */
  ptrdiff_t rows;            /**< how many */
  ptrdiff_t cols;            /**< how many */
  ptrdiff_t row_stride;      /**< in elements, from a row to the next */
  ptrdiff_t col_stride;      /**< in elements, from a column to the next */
  /**
   * NULL, or the scales of weights of 8 bits, which are stored divided by them: positive numbers of
   * fp32, fp16 or bf16. 1x1 for the whole matrix, rows x 1 for each row, or one for each block of
   * 128x128. A call reads them and never writes them.
   */
  const struct revlora_matrix* scales;
} revlora_matrix;

/** Row-major, the rows one behind the other, without scales. */
static inline revlora_matrix revlora_row_major(void* data, revlora_element_type type,
                                               ptrdiff_t rows, ptrdiff_t cols) {
  revlora_matrix matrix;
  matrix.size = sizeof matrix;
  matrix.data = data;
  matrix.type = type;
  matrix.rows = rows;
  matrix.cols = cols;
  matrix.row_stride = cols;
  matrix.col_stride = 1;
  matrix.scales = NULL;
  return matrix;
}

/** The same of memory that may not be written: of factors, and of W where it is only read. */
static inline revlora_matrix revlora_row_major_const(const void* data, revlora_element_type type,
                                                     ptrdiff_t rows, ptrdiff_t cols) {
  revlora_matrix matrix = revlora_row_major(NULL, type, rows, cols);
  memcpy(&matrix.data, &data, sizeof data); /* a cast would be warned of by -Wcast-qual */
  return matrix;
}

/** What a merge did to the weights. Written when it was done. */
typedef struct revlora_report {
  size_t size;               /**< sizeof(revlora_report) */
  int64_t changed;           /**< weights that have other bits than before */
  int64_t became_not_finite; /**< were finite in the base, and are infinite or NaN */
} revlora_report;
/** A report, ready for a call. */
#define REVLORA_REPORT_INITIALIZER \
  { sizeof(revlora_report), 0, 0 }

/** A piece of work: to be called with each i once. */
typedef void revlora_body(const void* work, ptrdiff_t i);

/**
 * Where the work runs: a pool of threads of the caller's, for instance.
 *
 * `parallel_for` calls body(work, 0) ... body(work, count - 1), each once, in any order and on any
 * threads, and returns when all are done, not before. What it leaves undone or does twice is
 * noticed: the call returns REVLORA_EXECUTOR_FAILED, and all is as before; a merge or subtract
 * without a record is finished on the calling thread instead. Written in C++, it may throw, with
 * the same effect. It must not be left by longjmp, pthread_exit or the cancellation of its thread.
 */
typedef struct revlora_executor {
  /** NULL: none, the library uses OpenMP. */
  void (*parallel_for)(void* context, ptrdiff_t count, revlora_body* body, const void* work);
  void* context; /**< passed on to it */
} revlora_executor;

struct revlora_workspace;
/** Memory that is kept from call to call, so that the next one of its kind allocates nothing. */
typedef struct revlora_workspace revlora_workspace;

/** How a call works. The bits are the same whatever is said here. */
typedef struct revlora_options {
  size_t size; /**< sizeof(revlora_options) */
  /** 0: as many as OpenMP takes by itself; 1: the calling one; without OpenMP it is always that. */
  int32_t threads;
  revlora_executor executor;    /**< instead of OpenMP, whatever `threads` says */
  revlora_workspace* workspace; /**< NULL: each calling thread keeps up to 4 MiB for itself */
} revlora_options;
/** Options as they are if a call is passed NULL. */
#define REVLORA_OPTIONS_INITIALIZER \
  { sizeof(revlora_options), 0, {NULL, NULL}, NULL }

/**
 * Where a call says what is wrong. Of any call, or NULL: then there is only what it returns. `text`
 * is the last member for ever; a caller may allocate more for it and say so in `size`.
 */
typedef struct revlora_error {
  size_t size;           /**< sizeof(revlora_error), or more with a longer text */
  revlora_status status; /**< as returned */
  char text[500];        /**< UTF-8, cut to what there is; empty if nothing is wrong */
} revlora_error;
/** An error, ready for calls: each overwrites what the last one said. */
#define REVLORA_ERROR_INITIALIZER        \
  {                                      \
    sizeof(revlora_error), REVLORA_OK, { \
      0                                  \
    }                                    \
  }

/* ---- the library ----------------------------------------------------------------------------- */

/** Its version, as "0.2.0". */
REVLORA_C_API const char* revlora_version(void);

/** What it computes with here, as "avx2"; NULL if REVLORA_ISA names what is impossible. */
REVLORA_C_API const char* revlora_instruction_set(revlora_error* error);

/** "ok", "weights_changed" and the like; "unknown" for a number that is no status. */
REVLORA_C_API const char* revlora_status_name(revlora_status status);

/** An empty one; NULL if there is no memory. */
REVLORA_C_API revlora_workspace* revlora_workspace_create(void);
/** Frees it. */
REVLORA_C_API void revlora_workspace_destroy(revlora_workspace* workspace);

/* ---- lists of adapters ----------------------------------------------------------------------- */

struct revlora_adapters;
/** The adapters of a call in the order in which they are added up, and the recipe. */
typedef struct revlora_adapters revlora_adapters;

/** An empty list, of the recipe fused; NULL if there is no memory. */
REVLORA_C_API revlora_adapters* revlora_adapters_create(void);
/** Frees it, and no factor. */
REVLORA_C_API void revlora_adapters_destroy(revlora_adapters* adapters);

/**
 * LoRA: adds strength * B * A, B ("up", lora_B) d_out x r and A ("down", lora_A) r x d_in, of one
 * element type. The strength is rounded to fp32 once; for PEFT it is lora_alpha / r: of two
 * integers C divides without a fraction, so write (double)lora_alpha / r.
 *
 * The structs may go afterwards, the factors may not. Shapes, strides and strength are looked at by
 * the calls that use the list.
 */
REVLORA_C_API revlora_status revlora_adapters_add_low_rank(revlora_adapters* adapters,
                                                           const revlora_matrix* b,
                                                           const revlora_matrix* a, double strength,
                                                           revlora_error* error);
/** LoHa: adds strength * (B1 * A1) o (B2 * A2), where o multiplies element by element. Likewise. */
REVLORA_C_API revlora_status revlora_adapters_add_hadamard(
    revlora_adapters* adapters, const revlora_matrix* b1, const revlora_matrix* a1,
    const revlora_matrix* b2, const revlora_matrix* a2, double strength, revlora_error* error);
/** How their sum is added. */
REVLORA_C_API revlora_status revlora_adapters_set_recipe(revlora_adapters* adapters,
                                                         revlora_recipe recipe,
                                                         revlora_error* error);
/** Takes all adapters out; the recipe stays. Of NULL nothing. */
REVLORA_C_API void revlora_adapters_clear(revlora_adapters* adapters);
/** How many there are; of NULL none. */
REVLORA_C_API size_t revlora_adapters_count(const revlora_adapters* adapters);

/* ---- undo records ---------------------------------------------------------------------------- */

struct revlora_record;
/** What an exact unmerge needs beside weights and adapters (undo_record.hpp). */
typedef struct revlora_record revlora_record;

/** An empty one; NULL if there is no memory. */
REVLORA_C_API revlora_record* revlora_record_create(void);
/** Frees it. */
REVLORA_C_API void revlora_record_destroy(revlora_record* record);

/** Makes `to` another with the bytes of `from`; if there is no memory it stays as it is. */
REVLORA_C_API revlora_status revlora_record_copy(const revlora_record* from, revlora_record* to,
                                                 revlora_error* error);
/**
 * Reads what `revlora_record_bytes` gave, in this process or another, on this machine or another.
 * Any bytes may be given; what is truncated, damaged or of another format version is refused by
 * name, and the record stays as it is.
 */
REVLORA_C_API revlora_status revlora_record_from_bytes(revlora_record* record, const void* bytes,
                                                       size_t count, revlora_error* error);

/**
 * The record as it would be stored, and in `count` how many bytes it takes. Valid until the record
 * changes. NULL and 0 if it is empty.
 */
REVLORA_C_API const void* revlora_record_bytes(const revlora_record* record, size_t* count);
/** 1 if there is nothing to undo, no merge has filled it; else 0. NULL is empty too. */
REVLORA_C_API int revlora_record_is_empty(const revlora_record* record);
/** Of the weights; of a record that is empty, fp32. */
REVLORA_C_API revlora_element_type revlora_record_type(const revlora_record* record);
/** Of the weights; 0 if it is empty. */
REVLORA_C_API ptrdiff_t revlora_record_rows(const revlora_record* record);
/** Of the weights; 0 if it is empty. */
REVLORA_C_API ptrdiff_t revlora_record_cols(const revlora_record* record);
/** Of the merge; of a record that is empty, fused. */
REVLORA_C_API revlora_recipe revlora_record_recipe(const revlora_record* record);
/** The fingerprints of the merged adapters, in order, and in `count` how many. Valid likewise. */
REVLORA_C_API const uint64_t* revlora_record_fingerprints(const revlora_record* record,
                                                          size_t* count);

/* ---- verbs -----------------------------------------------------------------------------------
 *
 * `destination` NULL: W is changed in place. Else W is read only, and the result, with the same
 * bits, is written to the destination, which has the shape and type of W and does not overlap it;
 * what it holds after an error is unspecified. `options`, `report` and `error` may be NULL.
 */

/**
 * W = round(W + D). An empty list leaves every bit. `record` then leads back to W as it is now, and
 * what it held before is forgotten; NULL: nothing leads back, and once begun the merge is finished
 * whatever the executor does.
 */
REVLORA_C_API revlora_status revlora_merge(const revlora_matrix* weights,
                                           const revlora_matrix* destination,
                                           const revlora_adapters* adapters, revlora_record* record,
                                           const revlora_options* options, revlora_report* report,
                                           revlora_error* error);
/**
 * W = round(W - D), which is NOT exact: it does not give back what a merge has rounded away. Only a
 * record does.
 */
REVLORA_C_API revlora_status revlora_subtract(const revlora_matrix* weights,
                                              const revlora_matrix* destination,
                                              const revlora_adapters* adapters,
                                              const revlora_options* options,
                                              revlora_report* report, revlora_error* error);
/**
 * The exact inverse of revlora_merge with a record: every bit of W is as it was before. Needs the
 * same adapters, in the same order, with the same strengths and recipe, and W as that merge left
 * it.
 */
REVLORA_C_API revlora_status revlora_unmerge(const revlora_matrix* weights,
                                             const revlora_matrix* destination,
                                             const revlora_adapters* adapters,
                                             const revlora_record* record,
                                             const revlora_options* options, revlora_error* error);
/**
 * Takes `merged` out of W and merges `wanted` instead, in one pass: W and the record are then what
 * merging `wanted` into the base would have made them, bit for bit. Either list may be empty; with
 * nothing merged and an empty record it is a merge.
 */
REVLORA_C_API revlora_status revlora_swap(const revlora_matrix* weights,
                                          const revlora_adapters* merged,
                                          const revlora_adapters* wanted, revlora_record* record,
                                          const revlora_options* options, revlora_report* report,
                                          revlora_error* error);

/** What revlora_merge and revlora_subtract would refuse, but for want of memory. */
REVLORA_C_API revlora_status revlora_validate_merge(const revlora_matrix* weights,
                                                    const revlora_matrix* destination,
                                                    const revlora_adapters* adapters,
                                                    revlora_error* error);
/** What revlora_unmerge would refuse. Does all of its work, and writes nothing. */
REVLORA_C_API revlora_status revlora_validate_unmerge(const revlora_matrix* weights,
                                                      const revlora_matrix* destination,
                                                      const revlora_adapters* adapters,
                                                      const revlora_record* record,
                                                      const revlora_options* options,
                                                      revlora_error* error);
/** What revlora_swap would refuse. Does the work of an unmerge, and writes nothing. */
REVLORA_C_API revlora_status revlora_validate_swap(
    const revlora_matrix* weights, const revlora_adapters* merged, const revlora_adapters* wanted,
    const revlora_record* record, const revlora_options* options, revlora_error* error);

/**
 * Says in `state` what W is to the record: REVLORA_STATE_OTHER too if that is empty, or of weights
 * of another type or shape. Reads W once and writes nothing.
 */
REVLORA_C_API revlora_status revlora_state_of(const revlora_matrix* weights,
                                              const revlora_record* record,
                                              const revlora_options* options, revlora_state* state,
                                              revlora_error* error);

#ifdef __cplusplus
}
#endif

#endif
