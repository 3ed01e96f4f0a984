// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE
#include "CComputeLibraries.h"

#include <math.h>
#include <string.h>

// Built for several processors, the best of which is chosen when the program starts.
#if defined(__x86_64__) && defined(__ELF__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#endif
#ifndef FOR_EACH_PROCESSOR
#define FOR_EACH_PROCESSOR
#endif
// Sums may be taken in another order, so that loops over them use vectors.
#define LOOSE _Pragma("clang fp reassociate(on) contract(fast)")

static inline uint16_t rounded(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline float widened(uint16_t value) {
  uint32_t bits = (uint32_t)value << 16;
  float result;
  memcpy(&result, &bits, 4);
  return result;
}

// e to the power x, to some 1e-7 relative: x = n ln 2 + r, the exponent of n by its bits, and e to
// the power r by its series to the sixth term. A loop over it uses vectors, which one over expf does not.
static inline float exponential(float x) {
  LOOSE
  x = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
  float n = x * 1.44269504f;
  n = (float)(int32_t)(n + (n < 0 ? -0.5f : 0.5f));
  float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
  float scale;
  memcpy(&scale, &bits, 4);
  return p * scale;
}

FOR_EACH_PROCESSOR
void ccl_silu_multiply(const float *gate, const float *up, float *values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = gate[i] / (1.0f + exponential(-gate[i])) * up[i];
}

FOR_EACH_PROCESSOR
void ccl_silu_multiply_bfloat16(const float *gate, const float *up, uint16_t *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    values[i] = rounded(gate[i] / (1.0f + exponential(-gate[i])) * up[i]);
}

FOR_EACH_PROCESSOR
void ccl_rms_norm(const float *input, const float *weight, float *output, size_t rows, size_t width,
                  float epsilon) {
  LOOSE
  for (size_t row = 0; row < rows; row++, input += width, output += width) {
    float sum = 0;
    for (size_t i = 0; i < width; i++) sum += input[i] * input[i];
    float scale = 1.0f / sqrtf(sum / (float)width + epsilon);
    for (size_t i = 0; i < width; i++) output[i] = input[i] * scale * weight[i];
  }
}

FOR_EACH_PROCESSOR
void ccl_add_scaled(float *output, const float *values, float scale, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] += scale * values[i];
}

FOR_EACH_PROCESSOR
void ccl_to_bfloat16(const float *values, uint16_t *output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = rounded(values[i]);
}

FOR_EACH_PROCESSOR
void ccl_from_bfloat16(const uint16_t *values, float *output, size_t count) {
  for (size_t i = 0; i < count; i++) output[i] = widened(values[i]);
}

FOR_EACH_PROCESSOR
void ccl_quantise_rows(const float *values, uint8_t *output, float *scales, size_t rows,
                       size_t width) {
  for (size_t row = 0; row < rows; row++, values += width, output += width) {
    float largest = 1e-30f;
    for (size_t i = 0; i < width; i++) {
      float size = fabsf(values[i]);
      largest = size > largest ? size : largest;
    }
    scales[row] = largest / 127.0f;
    float factor = 127.0f / largest;
    for (size_t i = 0; i < width; i++) output[i] = (uint8_t)(int32_t)(values[i] * factor + 128.5f);
  }
}

FOR_EACH_PROCESSOR
void ccl_dequantise(const int32_t *sums, const int32_t *row_sums, const float *scales,
                    float weight_scale, float *output, size_t rows, size_t columns) {
  for (size_t row = 0; row < rows; row++, sums += columns, output += columns) {
    float scale = scales[row] * weight_scale;
    for (size_t i = 0; i < columns; i++) output[i] = (float)(sums[i] - 128 * row_sums[i]) * scale;
  }
}

// ---------------------------------------------------------------- passes over memory

typedef struct {
  char *to;
  const char *from, *other;
  size_t bytes;
  uint64_t sums[256 * 8];
} pass;

// A thread's part, in whole lines of a cache.
static size_t share(size_t bytes, int index, int count, size_t *begin) {
  size_t lines = (bytes + 63) / 64, each = (lines + (size_t)count - 1) / (size_t)count;
  size_t first = each * (size_t)index * 64, end = first + each * 64;
  *begin = first < bytes ? first : bytes;
  return (end < bytes ? end : bytes) - *begin;
}

static void copy_part(void *context, int index, int count) {
  pass *its = context;
  size_t begin, size = share(its->bytes, index, count, &begin);
  memcpy(its->to + begin, its->from + begin, size);
}

void ccl_parallel_copy(ccl_pool *pool, void *to, const void *from, size_t bytes) {
  pass its = {.to = to, .from = from, .bytes = bytes};
  ccl_pool_run(pool, copy_part, &its);
}

FOR_EACH_PROCESSOR
static void triad(float *a, const float *b, const float *c, size_t count) {
  for (size_t i = 0; i < count; i++) a[i] = b[i] + 3.0f * c[i];
}

static void triad_part(void *context, int index, int count) {
  pass *its = context;
  size_t begin, size = share(its->bytes, index, count, &begin);
  triad((float *)(its->to + begin), (const float *)(its->from + begin),
        (const float *)(its->other + begin), size / 4);
}

void ccl_parallel_triad(ccl_pool *pool, float *a, const float *b, const float *c, size_t count) {
  pass its = {.to = (char *)a, .from = (const char *)b, .other = (const char *)c, .bytes = count * 4};
  ccl_pool_run(pool, triad_part, &its);
}

FOR_EACH_PROCESSOR
static uint64_t sum(const uint64_t *words, size_t count) {
  uint64_t total = 0;
  for (size_t i = 0; i < count; i++) total += words[i];
  return total;
}

static void read_part(void *context, int index, int count) {
  pass *its = context;
  size_t begin, size = share(its->bytes, index, count, &begin);
  its->sums[index % 256 * 8] += sum((const uint64_t *)(its->from + begin), size / 8);
}

uint64_t ccl_parallel_read(ccl_pool *pool, const void *memory, size_t bytes) {
  pass its = {.from = memory, .bytes = bytes};
  ccl_pool_run(pool, read_part, &its);
  uint64_t total = 0;
  for (int index = 0; index < 256; index++) total += its.sums[index * 8];
  return total;
}
