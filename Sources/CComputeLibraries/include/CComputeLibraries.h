// SPDX-License-Identifier: GPL-3.0-or-later
//
// Libraries of matrix products that are found at run time, and the loops in C that calibration and
// rehearsal run on real buffers. Nothing here is needed to build: OpenBLAS and oneDNN are loaded by
// dlopen when they are asked for.
#ifndef CCOMPUTELIBRARIES_H
#define CCOMPUTELIBRARIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---------------------------------------------------------------- threads (ccl_pool.c)

/// A pool of threads that run one function together; the caller is the first of them.
typedef struct ccl_pool ccl_pool;
typedef void (*ccl_task)(void *context, int index, int count);

/// Creates a pool of `threads` threads, the caller among them; NULL where no thread can be had.
ccl_pool *ccl_pool_create(int threads);
/// Runs a task on every thread and returns when all are done. One caller at a time.
void ccl_pool_run(ccl_pool *pool, ccl_task task, void *context);
/// Runs a task that does nothing: the cost of a parallel section.
void ccl_pool_run_empty(ccl_pool *pool);
int ccl_pool_threads(const ccl_pool *pool);
void ccl_pool_destroy(ccl_pool *pool);

// ---------------------------------------------------------------- memory (ccl_memory.c)

/// Allocates zeroed, touched memory at a 2 MiB boundary, in huge pages where the system grants them.
/// NULL where there is none.
void *ccl_allocate(size_t bytes, bool huge_pages);
void ccl_free(void *memory, size_t bytes);
/// Locks memory against paging: 0, or errno.
int ccl_lock(void *memory, size_t bytes);
int ccl_unlock(void *memory, size_t bytes);
/// Monotonic time in seconds.
double ccl_now(void);
/// Fills memory with pseudo-random bytes, which no drive can compress.
void ccl_fill_bytes(void *memory, size_t bytes, uint64_t seed);
/// Fills with pseudo-random values between -scale and scale.
void ccl_fill_float(float *values, size_t count, uint64_t seed, float scale);
void ccl_fill_bfloat16(uint16_t *values, size_t count, uint64_t seed, float scale);

// ---------------------------------------------------------------- loops (ccl_kernels.c)

/// values[i] = silu(gate[i]) * up[i].
void ccl_silu_multiply(const float *gate, const float *up, float *values, size_t count);
/// The same, rounded to bfloat16.
void ccl_silu_multiply_bfloat16(const float *gate, const float *up, uint16_t *values, size_t count);
/// Rows of `width` values over their root mean square, times a weight for each column.
void ccl_rms_norm(const float *input, const float *weight, float *output, size_t rows, size_t width,
                  float epsilon);
/// output[i] += scale * values[i].
void ccl_add_scaled(float *output, const float *values, float scale, size_t count);
void ccl_to_bfloat16(const float *values, uint16_t *output, size_t count);
void ccl_from_bfloat16(const uint16_t *values, float *output, size_t count);
/// Rows to unsigned bytes about 128, each row with a scale of its own.
void ccl_quantise_rows(const float *values, uint8_t *output, float *scales, size_t rows,
                       size_t width);
/// Sums of a product of bytes to values: (sum - 128 * row_sum[column]) * scale[row] * weight_scale.
void ccl_dequantise(const int32_t *sums, const int32_t *row_sums, const float *scales,
                    float weight_scale, float *output, size_t rows, size_t columns);
/// A pass over memory on all threads: a copy, or a[i] = b[i] + 3 c[i].
void ccl_parallel_copy(ccl_pool *pool, void *to, const void *from, size_t bytes);
void ccl_parallel_triad(ccl_pool *pool, float *a, const float *b, const float *c, size_t count);
/// Reads memory on all threads and returns the sum of its words.
uint64_t ccl_parallel_read(ccl_pool *pool, const void *memory, size_t bytes);

/// Attention of one new token for each of `batch` sequences over `past` keys and values.
///
/// Queries and output are [batch][heads][head_size], keys and values [batch][kv_heads][past][head_size].
/// A sequence's keys lie `kv_stride` positions after those of the head before, so that a cache may be
/// longer than what it holds (`kv_stride` >= past).
typedef struct {
  int batch, heads, kv_heads, head_size, past, kv_stride;
  bool is_bfloat16;
} ccl_attention;
/// Bytes of working memory that an attention needs on a pool.
size_t ccl_attention_scratch(const ccl_attention *attention, const ccl_pool *pool);
void ccl_attention_decode(ccl_pool *pool, const ccl_attention *attention, const float *queries,
                          const void *keys, const void *values, float *output, void *scratch);

// ---------------------------------------------------------------- OpenBLAS (ccl_openblas.c)

typedef struct ccl_openblas ccl_openblas;
/// Loads OpenBLAS from a library's name; NULL with a message where it cannot.
ccl_openblas *ccl_openblas_open(const char *name, char *message, size_t size);
const char *ccl_openblas_config(const ccl_openblas *library);
/// The processor whose kernels OpenBLAS has chosen.
const char *ccl_openblas_core(const ccl_openblas *library);
void ccl_openblas_set_threads(const ccl_openblas *library, int threads);
/// Whether the library has a product of bfloat16 (only some are built with it).
bool ccl_openblas_has_bfloat16(const ccl_openblas *library);
/// y[m][n] = x[m][k] times the transpose of w[n][k]; by sgemv where m is 1.
void ccl_openblas_product(const ccl_openblas *library, int m, int n, int k, const float *x,
                          const float *w, float *y);

// ---------------------------------------------------------------- oneDNN (ccl_onednn.c)

typedef struct ccl_onednn ccl_onednn;
/// A product of a fixed shape, its weights in the order that the library prefers.
typedef struct ccl_matmul ccl_matmul;
typedef enum { CCL_FLOAT32 = 0, CCL_BFLOAT16 = 1, CCL_INT8 = 2 } ccl_precision;

/// Loads oneDNN 2 or 3 from a library's name; NULL with a message where it cannot.
ccl_onednn *ccl_onednn_open(const char *name, char *message, size_t size);
/// "2.6.3".
const char *ccl_onednn_version(const ccl_onednn *library);
/// Threads of products that the calling thread creates or runs from now on: false where this build
/// of the library does not run on OpenMP.
bool ccl_onednn_set_threads(const ccl_onednn *library, int threads);
/// Prepares y[m][n] = x[m][k] times the transpose of w[n][k]: float32 or bfloat16 in and float32 out,
/// or unsigned bytes by signed bytes into 32-bit sums. With `like`, weights are in that product's
/// order. NULL with a message where the library has no such product.
ccl_matmul *ccl_matmul_create(ccl_onednn *library, ccl_precision precision, int m, int n, int k,
                              const ccl_matmul *like, char *message, size_t size);
/// Bytes of packed weights.
size_t ccl_matmul_weight_bytes(const ccl_matmul *matmul);
/// The name of the library's routine.
const char *ccl_matmul_implementation(const ccl_matmul *matmul);
/// Puts plain weights w[n][k] of the product's precision in order: 0, or the library's status.
int ccl_matmul_pack(ccl_matmul *matmul, const void *plain, void *packed);
/// Runs the product: 0, or the library's status.
int ccl_matmul_run(ccl_matmul *matmul, const void *x, const void *packed, void *y);
void ccl_matmul_destroy(ccl_matmul *matmul);

// ---------------------------------------------------------------- reads (ccl_reader.c)

/// Reads of a file, past the page cache, with a number of threads that each keep one read under way.
typedef struct ccl_reader ccl_reader;

/// When a request was handed in, when its first read began and its last one ended [s, monotonic], and
/// errno, or 0.
typedef struct {
  double submitted, began, ended;
  int error;
} ccl_read_times;

/// Opens a file. `direct`: by O_DIRECT, where offsets, lengths and buffers are multiples of 4096.
/// `depth`: reads under way at once. NULL with errno in `error`.
ccl_reader *ccl_reader_open(const char *path, int depth, bool direct, int *error);
/// Reads from memory instead of a file: copies that stand for a link.
ccl_reader *ccl_reader_open_memory(const void *memory, size_t bytes, int depth);
/// Paces reads to so many bytes a second, as one link that serves them in turn; 0 for no pace.
void ccl_reader_set_rate(ccl_reader *reader, double bytes_per_second);
/// Hands in a read in pieces of `chunk` bytes (0: one piece). Urgent ones go before the others.
/// Returns the request's number.
int64_t ccl_reader_submit(ccl_reader *reader, uint64_t offset, size_t length, void *buffer,
                          size_t chunk, bool urgent);
/// Makes a request urgent whose pieces still wait.
void ccl_reader_hurry(ccl_reader *reader, int64_t request);
/// Drops the pieces of a request that have not begun, waits for the others; then the request ends
/// with ECANCELED unless it was whole. Its times are taken by ccl_reader_wait all the same.
void ccl_reader_cancel(ccl_reader *reader, int64_t request);
/// Whether a request has ended; does not wait.
bool ccl_reader_is_done(ccl_reader *reader, int64_t request);
/// Waits for a request and forgets it. Each request is waited for once.
ccl_read_times ccl_reader_wait(ccl_reader *reader, int64_t request);
/// Waits for all reads under way, drops the others, and closes.
void ccl_reader_close(ccl_reader *reader);

#endif
