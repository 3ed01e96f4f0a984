// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of prompt tokens in its plain form: two batches of products by cuBLAS, and a softmax
// between them that reads and writes all scores. It is slower than fused kernels; the row says so in
// its implementation.
#include <set>
#include <tuple>

#include "../kernels/attention.cuh"
#include "context.h"
#include "fused_prefill.h"

namespace calibration {

namespace {

struct PrefillShape {
  int batch, heads, kvHeads, headSize, query, past;
  int keys() const { return query + past; }
  int group() const { return heads / kvHeads; }
};

/// Queries are batch x kvHeads x group x query x size, so that those of a KV head are one matrix.
class PlainAttention {
 public:
  PlainAttention(Context& context, PrefillShape shape)
      : context(context), shape(shape),
        queryRows(std::size_t(shape.batch) * shape.heads * shape.query),
        keyRows(std::size_t(shape.batch) * shape.kvHeads * shape.keys()),
        q(queryRows * shape.headSize, 37, 3, context.stream),
        k(keyRows * shape.headSize, 41, 1, context.stream),
        v(keyRows * shape.headSize, 43, 1, context.stream), scores(queryRows * shape.keys()),
        shares(queryRows * shape.keys()), out(queryRows * shape.headSize) {}

  /// What a run needs [bytes].
  static std::size_t bytes(const PrefillShape& shape) {
    std::size_t rows = std::size_t(shape.batch) * shape.heads * shape.query;
    std::size_t keys = std::size_t(shape.batch) * shape.kvHeads * shape.keys();
    return rows * shape.keys() * 6 + (2 * rows + 2 * keys) * shape.headSize * 2;
  }

  void run() {
    int count = shape.batch * shape.kvHeads, rows = shape.group() * shape.query;
    long long queries = (long long)(rows) * shape.headSize;
    long long keys = (long long)(shape.keys()) * shape.headSize;
    long long all = (long long)(rows) * shape.keys();
    float scale = 1 / std::sqrt(float(shape.headSize));
    context.blas.batch(
        false, count, rows, shape.keys(), shape.headSize, scale, q.data(), queries, k.data(), keys,
        scores.data(), all, true);
    launch(
        causalSoftmax, unsigned(queryRows), 128, 0, context.stream, shares.data(), scores.data(),
        shape.query, shape.past, shape.keys());
    context.blas.batch(
        true, count, rows, shape.headSize, shape.keys(), 1, shares.data(), all, v.data(), keys,
        out.data(), queries, false);
  }

  void check() {
    run();
    int size = shape.headSize;
    std::vector<float> found, expected;
    for (std::int64_t row : Context::sampled(std::int64_t(queryRows), 5)) {
      std::size_t query = std::size_t(row) * size;
      std::size_t keys = std::size_t(row) / (std::size_t(shape.group()) * shape.query) *
                         std::size_t(shape.keys()) * size;
      std::vector<float> one = attentionOutput(
          size, shape.past + row % shape.query + 1, [&](auto i) { return q.value(query + i); },
          [&](auto t, auto i) { return k.value(keys + t * size + i); },
          [&](auto t, auto i) { return v.value(keys + t * size + i); });
      expected.insert(expected.end(), one.begin(), one.end());
      std::vector<float> values = fetched(out.data() + query, std::size_t(size), context.stream);
      found.insert(found.end(), values.begin(), values.end());
    }
    requireClose("plain attention of " + std::to_string(shape.query), found, expected, 0.02, 0.02);
  }

 private:
  Context& context;
  PrefillShape shape;
  std::size_t queryRows, keyRows;
  DrawnBuffer q, k, v;
  DeviceBuffer<float> scores;
  DeviceBuffer<__nv_bfloat16> shares, out;
};

void measureShape(Context& context, const PrefillShape& shape) {
  MeasurementRow row = context.row("attention_prefill", "cublas_plain");
  row.batch = shape.batch;
  row.heads = shape.heads;
  row.kvHeads = shape.kvHeads;
  row.headSize = shape.headSize;
  row.query = shape.query;
  row.past = shape.past;
  row.precision = "bf16";
  row.activationPrecision = "bf16";
  row.kvPrecision = "bf16";
  if (!context.file.has(row)) {
    if (PlainAttention::bytes(shape) > freeDeviceMemory() / 10 * 8) {
      context.skip("plain attention of " + std::to_string(shape.query), "too little memory");
    } else {
      PlainAttention attention(context, shape);
      attention.check();
      context.measure(row, [&] {
        return context.timer.device([&](long long) { attention.run(); }, 3);
      });
    }
  }
  measureFusedPrefill(context, row);
}

}  // namespace

void measurePrefill(Context& context) {
  std::vector<int> queries = {128, 256, 512, 1024, 2048, 4096, 8192}, batches = {1, 4};
  std::vector<int> pasts = {0, 4096};
  if (context.quick) {
    queries = {256, 1024, 4096};
    batches = {1};
    pasts = {0};
  }
  if (context.tiny) {
    queries = {5};
    batches = {2};
    pasts = {0, 3};
  }
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t>> shapes;
  for (const ModelShape& model : context.models) {
    if (model.heads > 0) shapes.insert({model.heads, model.kvHeads, model.headSize});
  }
  for (auto [heads, kvHeads, headSize] : shapes) {
    for (int batch : batches) {
      for (int past : pasts) {
        for (int query : queries) {
          measureShape(context, {batch, int(heads), int(kvHeads), int(headSize), query, past});
        }
      }
    }
  }
}

}  // namespace calibration
