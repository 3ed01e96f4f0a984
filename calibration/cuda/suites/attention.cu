// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of one token a sequence, over batch and cached tokens.
#include <set>
#include <tuple>

#include "../device/decode_attention.h"
#include "context.h"

namespace calibration {

namespace {

void check(
    Context& context, const DecodeAttention& attention, const AttentionShape& shape, int past,
    const int* pasts, const DrawnBuffer& q, const DrawnBuffer& kv, std::size_t half,
    const DeviceBuffer<__nv_bfloat16>& out) {
  attention.run(
      out.data(), q.data(), kv.data(), kv.data() + half, pasts, shape.batch, past, past,
      context.stream);
  int size = shape.headSize, group = shape.heads / shape.kvHeads;
  std::vector<float> all =
      fetched(out.data(), std::size_t(shape.batch) * shape.heads * size, context.stream);
  std::vector<float> found, expected;
  std::vector<std::int64_t> sequences = {0};
  if (shape.batch > 1) sequences.push_back(shape.batch - 1);
  for (std::int64_t sequence : sequences) {
    for (std::int64_t head : Context::sampled(shape.heads, 3)) {
      std::size_t query = std::size_t(sequence * shape.heads + head) * size;
      std::size_t rows =
          std::size_t(sequence * shape.kvHeads + head / group) * std::size_t(past) * size;
      std::vector<float> one = attentionOutput(
          size, past, [&](auto i) { return q.value(query + i); },
          [&](auto t, auto i) { return kv.value(rows + t * size + i); },
          [&](auto t, auto i) { return kv.value(half + rows + t * size + i); });
      expected.insert(expected.end(), one.begin(), one.end());
      found.insert(found.end(), all.begin() + query, all.begin() + query + size);
    }
  }
  requireClose(
      "attention of " + std::to_string(shape.heads) + " heads over " + std::to_string(past), found,
      expected, 0.015, 0.015);
}

void measureShape(Context& context, AttentionShape shape, int past) {
  MeasurementRow row = context.row("attention_decode", "moesim_split_kv");
  row.batch = shape.batch;
  row.heads = shape.heads;
  row.kvHeads = shape.kvHeads;
  row.headSize = shape.headSize;
  row.query = 1;
  row.past = past;
  row.precision = "bf16";
  row.activationPrecision = "bf16";
  row.kvPrecision = "bf16";
  if (context.file.has(row)) return;
  std::size_t half = std::size_t(shape.batch) * shape.kvHeads * past * shape.headSize;
  std::size_t parts = std::max<std::size_t>(2, 4 * context.device.cacheBytes / (4 * half) + 2);
  parts = std::min<std::size_t>(parts, 64);
  if (2 * half * 2 > freeDeviceMemory() / 10 * 7) {
    context.skip(
        "attention of " + std::to_string(shape.batch) + " x " + std::to_string(past),
        "too little memory");
    return;
  }
  while (parts > 1 && 4 * half * parts > freeDeviceMemory() / 10 * 7) --parts;
  std::size_t values = std::size_t(shape.batch) * shape.heads * shape.headSize;
  // Scores of a wide range, so that the softmax has something to do.
  DrawnBuffer q(values, 29, 3, context.stream);
  DrawnBuffer kv(2 * half * parts, 31, 1, context.stream);
  DeviceBuffer<__nv_bfloat16> out(values);
  DecodeAttention attention(shape, past, context.device.multiprocessors);
  DeviceBuffer<int> pasts = uploaded(std::vector<int>(std::size_t(shape.batch), past));
  check(context, attention, shape, past, pasts.data(), q, kv, half, out);
  context.measure(row, [&] {
    return context.timer.device(
        [&](long long i) {
          const __nv_bfloat16* keys = kv.data() + std::size_t(i) % parts * 2 * half;
          attention.run(
              out.data(), q.data(), keys, keys + half, pasts.data(), shape.batch, past, past,
              context.stream);
        },
        2);
  });
}

}  // namespace

void measureAttention(Context& context) {
  std::vector<int> batches = {1, 2, 4, 8, 16, 32, 64, 128};
  std::vector<int> pasts = {64, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};
  std::int64_t mostTokens = 1 << 20;
  if (context.quick) {
    batches = {1, 8, 64};
    pasts = {256, 1024, 4096, 16384};
  }
  if (context.tiny) {
    batches = {1, 2};
    pasts = {7, 200};
  }
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t>> shapes;
  for (const ModelShape& model : context.models) {
    if (model.heads == 0) continue;
    if (!DecodeAttention::supports(model.headSize)) {
      context.skip("attention of " + model.name, "the size of its heads");
      continue;
    }
    shapes.insert({model.heads, model.kvHeads, model.headSize});
  }
  for (auto [heads, kvHeads, headSize] : shapes) {
    for (int batch : batches) {
      for (int past : pasts) {
        if (std::int64_t(batch) * past > mostTokens) continue;
        measureShape(context, {batch, int(heads), int(kvHeads), int(headSize)}, past);
      }
    }
  }
}

}  // namespace calibration
