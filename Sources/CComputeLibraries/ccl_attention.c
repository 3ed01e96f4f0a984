// SPDX-License-Identifier: GPL-3.0-or-later
//
// Attention of one token over past keys and values. The heads of keys are spread over threads; where
// there are fewer heads than threads, the past is cut as well and its parts are joined afterwards by
// their maxima and sums (as "flash decoding" does). Within a part scores are taken in blocks, so that
// each key and value is read once for all queries of its group.
#define _GNU_SOURCE
#include "CComputeLibraries.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__) && defined(__ELF__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#endif
#ifndef FOR_EACH_PROCESSOR
#define FOR_EACH_PROCESSOR
#endif
#define LOOSE _Pragma("clang fp reassociate(on) contract(fast)")

enum { block = 64 };

typedef struct {
  const ccl_attention *shape;
  const float *queries;
  const char *keys, *values;
  float *output;
  float *scratch;
  int splits;
} decode;

static int group(const ccl_attention *shape) { return shape->heads / shape->kv_heads; }

// Floats of one part: for each query of a group its sum of values, maximum and sum of weights.
static size_t part_floats(const ccl_attention *shape) {
  return (size_t)group(shape) * ((size_t)shape->head_size + 16);
}

// Floats of one thread: a block of keys or values widened to float, and the scores of a group.
static size_t thread_floats(const ccl_attention *shape) {
  return (size_t)block * ((size_t)shape->head_size + (size_t)group(shape)) + 16;
}

static int splits(const ccl_attention *shape, int threads) {
  int units = shape->batch * shape->kv_heads, wanted = (threads + units - 1) / units;
  int most = (shape->past + block - 1) / block;
  return wanted < most ? (wanted < 1 ? 1 : wanted) : (most < 1 ? 1 : most);
}

size_t ccl_attention_scratch(const ccl_attention *shape, const ccl_pool *pool) {
  int threads = ccl_pool_threads(pool);
  size_t parts = (size_t)(shape->batch * shape->kv_heads * splits(shape, threads));
  return sizeof(float) * (parts * part_floats(shape) + (size_t)threads * thread_floats(shape));
}

FOR_EACH_PROCESSOR
static void dot_rows(const float *query, const float *rows, int count, int size, float scale,
                     float *scores) {
  LOOSE
  for (int row = 0; row < count; row++) {
    const float *key = rows + (size_t)row * (size_t)size;
    float sum = 0;
    for (int i = 0; i < size; i++) sum += query[i] * key[i];
    scores[row] = sum * scale;
  }
}

FOR_EACH_PROCESSOR
static void add_rows(float *sum, const float *rows, const float *weights, int count, int size) {
  LOOSE
  for (int row = 0; row < count; row++) {
    const float *value = rows + (size_t)row * (size_t)size;
    float weight = weights[row];
    for (int i = 0; i < size; i++) sum[i] += weight * value[i];
  }
}

static const float *floats(const decode *its, const char *base, size_t offset, int count, float *room) {
  int size = its->shape->head_size;
  if (!its->shape->is_bfloat16) return (const float *)base + offset;
  ccl_from_bfloat16((const uint16_t *)base + offset, room, (size_t)count * (size_t)size);
  return room;
}

static void one_part(const decode *its, int unit, int begin, int end, float *part, float *mine) {
  const ccl_attention *shape = its->shape;
  int queries = group(shape), size = shape->head_size;
  float *sums = part, *maxima = part + (size_t)queries * (size_t)size, *totals = maxima + queries;
  float *room = mine, *scores = mine + (size_t)block * (size_t)size;
  const float *query = its->queries + (size_t)unit * (size_t)queries * (size_t)size;
  float scale = 1.0f / sqrtf((float)size);
  memset(sums, 0, sizeof(float) * (size_t)queries * (size_t)size);
  for (int q = 0; q < queries; q++) maxima[q] = -INFINITY, totals[q] = 0;
  for (int at = begin; at < end; at += block) {
    int count = end - at < block ? end - at : block;
    size_t offset = ((size_t)unit * (size_t)shape->kv_stride + (size_t)at) * (size_t)size;
    const float *keys = floats(its, its->keys, offset, count, room);
    for (int q = 0; q < queries; q++) {
      float *row = scores + (size_t)q * block, *sum = sums + (size_t)q * (size_t)size;
      dot_rows(query + (size_t)q * (size_t)size, keys, count, size, scale, row);
      float largest = maxima[q];
      for (int i = 0; i < count; i++) largest = row[i] > largest ? row[i] : largest;
      float shrink = expf(maxima[q] - largest), total = totals[q] * shrink;
      if (shrink != 1.0f)
        for (int i = 0; i < size; i++) sum[i] *= shrink;
      for (int i = 0; i < count; i++) total += row[i] = expf(row[i] - largest);
      maxima[q] = largest;
      totals[q] = total;
    }
    const float *values = floats(its, its->values, offset, count, room);
    for (int q = 0; q < queries; q++)
      add_rows(sums + (size_t)q * (size_t)size, values, scores + (size_t)q * block, count, size);
  }
}

static void decode_parts(void *context, int index, int count) {
  const decode *its = context;
  const ccl_attention *shape = its->shape;
  int units = shape->batch * shape->kv_heads, parts = units * its->splits;
  float *mine =
      its->scratch + (size_t)parts * part_floats(shape) + (size_t)index * thread_floats(shape);
  int first = (int)((int64_t)parts * index / count), last = (int)((int64_t)parts * (index + 1) / count);
  for (int part = first; part < last; part++) {
    int cut = part % its->splits;
    int begin = (int)((int64_t)shape->past * cut / its->splits);
    int end = (int)((int64_t)shape->past * (cut + 1) / its->splits);
    one_part(its, part / its->splits, begin, end, its->scratch + (size_t)part * part_floats(shape), mine);
  }
}

static void join(const decode *its) {
  const ccl_attention *shape = its->shape;
  int units = shape->batch * shape->kv_heads, queries = group(shape), size = shape->head_size;
  for (int unit = 0; unit < units; unit++) {
    const float *parts = its->scratch + (size_t)unit * (size_t)its->splits * part_floats(shape);
    for (int q = 0; q < queries; q++) {
      float *output = its->output + ((size_t)unit * (size_t)queries + (size_t)q) * (size_t)size;
      float largest = -INFINITY, total = 0;
      for (int cut = 0; cut < its->splits; cut++) {
        const float *maxima =
            parts + (size_t)cut * part_floats(shape) + (size_t)queries * (size_t)size;
        largest = maxima[q] > largest ? maxima[q] : largest;
      }
      memset(output, 0, sizeof(float) * (size_t)size);
      for (int cut = 0; cut < its->splits; cut++) {
        const float *part = parts + (size_t)cut * part_floats(shape);
        const float *maxima = part + (size_t)queries * (size_t)size;
        float weight = maxima[q] == -INFINITY ? 0 : expf(maxima[q] - largest);
        total += weight * maxima[queries + q];
        ccl_add_scaled(output, part + (size_t)q * (size_t)size, weight, (size_t)size);
      }
      for (int i = 0; i < size && total > 0; i++) output[i] /= total;
    }
  }
}

void ccl_attention_decode(ccl_pool *pool, const ccl_attention *shape, const float *queries,
                          const void *keys, const void *values, float *output, void *scratch) {
  decode its = {shape, queries, keys, values, output, scratch, splits(shape, ccl_pool_threads(pool))};
  ccl_pool_run(pool, decode_parts, &its);
  join(&its);
}
